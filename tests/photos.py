"""Pictures for tests, made of plain colours: nobody's face is in them."""

import hashlib
import io
import struct
import zlib

from PIL import Image

from kleanxmpp.photo_ports import Photo
from kleanxmpp.pictures import painted
from tests.factories import AT

CAMERA = b"Kamera-Modell-7"
_GPS = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}


def a_picture(
    *,
    kind: str = "JPEG",
    size: tuple[int, int] = (300, 300),
    colours: tuple[tuple[int, int, int], tuple[int, int, int]] = ((200, 0, 0), (0, 0, 200)),
    exif: bool = False,
    orientation: int | None = None,
    comment: bytes = b"",
    profile: bytes = b"",
) -> bytes:
    """Return a picture whose left and right halves have these colours."""
    image = Image.new("RGB", size, colours[0])
    image.paste(colours[1], (size[0] // 2, 0, *size))
    told = Image.Exif()
    if exif:
        told[0x0110] = CAMERA.decode()
        told[0x8825] = _GPS
    if orientation is not None:
        told[0x0112] = orientation
    options = {"comment": comment} if comment else {}
    if profile:
        options["icc_profile"] = profile
    file = io.BytesIO()
    image.save(file, kind, exif=told, **options)
    return file.getvalue()


def a_photo(shade: int = 0) -> Photo:
    """Return a photo as the directory keeps it."""
    content = painted(a_picture(colours=((shade, 0, 0), (0, 0, shade))))
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return Photo(sha1=sha1, media_type="image/jpeg", content=content, updated_at=AT)


def png_that_claims(width: int, height: int) -> bytes:
    """Return a few bytes that say they are a picture of this size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
