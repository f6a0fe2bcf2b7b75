"""The desk: HTTP in, JSON out."""
