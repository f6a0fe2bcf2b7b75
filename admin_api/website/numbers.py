"""Whole numbers that come in addresses and forms."""


def whole(text: str | None, otherwise: int) -> int:
    """Return the number; `otherwise` for what is none, or too long to be one of ours."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise
