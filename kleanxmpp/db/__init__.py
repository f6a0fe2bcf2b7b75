"""The directory in a database: the only code of KleanXMPP that speaks SQL (SQLite and PostgreSQL).

Use it through `kleanxmpp.db.directory.SqlDirectory`; bring a database up to date with `kleanxmpp.db.migrate`.
"""
