"""A picture that somebody sends becomes a small square JPEG, made anew from its pixels: nothing else of it is kept.

So no camera's place and time, no hidden second picture and no trailing bytes reach colleagues. The library is loaded
when the first picture comes. One picture at a time and beside the event loop: decoding is pure computing, and needs
memory.
"""

import asyncio
import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from kleanxmpp import errors

if TYPE_CHECKING:
    from PIL.Image import Image

MEDIA_TYPE = "image/jpeg"
SIDE = 256
"""Pixels at most; clients show 40 to 200."""
_TAKEN = ("JPEG", "PNG", "WEBP")
_SMALLEST = 32
_MOST_PIXELS = 30_000_000
"""More than telephones take by themselves. Decoded that is 200 MB for a moment; more is refused by the header."""
_MOST_BYTES = 50_000
_QUALITIES = (85, 75, 60, 40)
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
"""What the library raises for files that are not what they say: its decoders are many, and none translates."""
_painter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="photo")


async def portrait(content: bytes) -> bytes:
    """Return the middle of the picture as a small JPEG. Raises Invalid."""
    return await asyncio.get_running_loop().run_in_executor(_painter, painted, content)


def painted(content: bytes) -> bytes:
    """Return the middle of the picture as a small JPEG, the right way up. Raises Invalid. Blocks."""
    from PIL import Image, ImageFile, UnidentifiedImageError

    ImageFile.LOAD_TRUNCATED_IMAGES = (
        False  # WeasyPrint switches it on for all of the process; our pages have no images
    )
    try:
        with Image.open(io.BytesIO(content), formats=_TAKEN) as opened:
            _check(opened)
            small = _square(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except UnidentifiedImageError as error:
        raise _refused("This is no JPEG, PNG or WebP picture.") from error
    except _BROKEN as error:
        raise _refused("The picture is damaged or was cut off.") from error
    return _encoded(small)


def _check(opened: "Image") -> None:
    """Refuse by the header, before anything is decoded."""
    if opened.width * opened.height > _MOST_PIXELS:
        raise _too_many_pixels()
    if min(opened.size) < _SMALLEST:
        raise _refused("A photo is at least 32 pixels wide and high.")
    # telephones put second pictures (depth, a short film) into a JPEG: the first one is the photo
    if opened.format in {"PNG", "WEBP"} and getattr(opened, "n_frames", 1) > 1:
        raise _refused("A photo does not move.")


def _square(opened: "Image") -> "Image":
    from PIL import Image, ImageOps

    opened.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded no larger than needed
    ImageOps.exif_transpose(opened, in_place=True)
    side = min(SIDE, *opened.size)
    cut = ImageOps.fit(opened.convert("RGBA"), (side, side), method=Image.Resampling.LANCZOS)
    plain = Image.new("RGB", cut.size, "white")
    plain.paste(cut, mask=cut.getchannel("A"))
    return plain


def _encoded(picture: "Image") -> bytes:
    for quality in _QUALITIES:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= _MOST_BYTES:
            break
    return file.getvalue()


def _too_many_pixels() -> errors.Invalid:
    return _refused("A photo has at most 30 million pixels.")


def _refused(message: str) -> errors.Invalid:
    return errors.Invalid(message, field="photo")
