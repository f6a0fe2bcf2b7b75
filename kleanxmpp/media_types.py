"""Which kinds of files there are, by their media type. Pure.

Nothing looks into a file: a type is what the sender says it is. What keeps a browser from executing a file that lies
about it is how it is served, so only the types of `SHOWN` are ever shown by a browser itself.
"""

from collections.abc import Collection

from kleanxmpp import errors

_PICTURES = ("image/avif", "image/gif", "image/heic", "image/heif", "image/jpeg", "image/png", "image/webp")
_FILMS = ("video/3gpp", "video/mp4", "video/quicktime", "video/webm")
_SOUNDS = (
    "audio/aac", "audio/amr", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/opus", "audio/wav",
    "audio/webm", "audio/x-m4a",
)  # fmt: skip
_PAPERS = (
    "application/msword",
    "application/pdf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "text/plain",
)

SHOWN = frozenset(_PICTURES + _FILMS + _SOUNDS)
"""What a browser may show without saving it first. Never anything that can hold a script, so no SVG and no PDF."""
USUAL = _PICTURES + _FILMS + _SOUNDS + _PAPERS
"""What people in a company send each other, as long as nobody decides otherwise."""
_MOST = 200
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-")


def plain(text: str) -> str:
    """Return a media type without parameters, in small letters; empty if it is none."""
    kind, slash, rest = text.partition(";")[0].strip().lower().partition("/")
    whole = kind and rest and len(text) <= _MOST and not (set(kind) | set(rest)) - _LETTERS
    return f"{kind}{slash}{rest}" if whole else ""


def checked(types: Collection[str]) -> tuple[str, ...]:
    """Return the media types in order, each once. Raises Invalid for what is none."""
    found = {plain(text) for text in types}
    if "" in found or len(found) > _MOST:
        raise errors.Invalid(f"Up to {_MOST} media types like image/jpeg, without parameters.", field="upload_types")
    return tuple(sorted(found))
