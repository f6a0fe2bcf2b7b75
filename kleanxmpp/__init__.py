"""KleanXMPP: makes an existing ejabberd equal to a directory of users and groups."""

__version__ = "0.1.0"
