"""Spreadsheets of people, CSV and XLSX, on their way in and out: bytes, then a table of cells, then mapped rows."""
