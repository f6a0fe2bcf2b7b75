"""Bodies of requests and answers, and how the core's values become them."""
