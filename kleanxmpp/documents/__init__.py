"""Documents for people's files: what stands in them, in which words, and how they become PDF."""
