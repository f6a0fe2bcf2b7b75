"""What KleanXMPP costs, measured against the same work done the plain way: `./run bench`; see docs/benchmarks.md."""
