"""The pages, by what they are about. A handler takes a `Visit` and returns a response."""
