"""What reaches us: one module per concern, each with `register(connection)`."""
