"""The database's history, one revision per module in `versions`. `REVISION` is the one this version works with."""

REVISION = "0016"
