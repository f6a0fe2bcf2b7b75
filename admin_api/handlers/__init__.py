"""Handlers: parse, call the use case, render. No rule about people or groups is decided here."""
