"""The demo company's people and groups, as a CSV file like any other. All of them are invented."""
