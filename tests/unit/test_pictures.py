"""What becomes of a picture that somebody sends: small, square, upright, and nothing of it but what one sees."""

import asyncio
import io
from typing import Any

import pytest
from PIL import Image, ImageFile

from kleanxmpp import errors, pictures
from tests.photos import CAMERA, a_picture, png_that_claims

PLACE = b"GPS-52.5200-13.4050"


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def like(pixel: Any, colour: tuple[int, int, int]) -> bool:
    """Whether it is this colour, as far as a JPEG keeps one."""
    return all(abs(one - other) < 25 for one, other in zip(pixel, colour, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_picture_becomes_a_small_square_jpeg(kind: str) -> None:
    made = await pictures.portrait(a_picture(kind=kind, size=(900, 600)))
    image = opened(made)
    assert (image.format, image.size, image.mode) == ("JPEG", (256, 256), "RGB")
    assert len(made) < 50_000


async def test_where_and_when_it_was_taken_and_everything_else_about_it_is_gone() -> None:
    sent = a_picture(size=(400, 400), exif=True, comment=PLACE) + PLACE
    assert CAMERA in sent and PLACE in sent
    assert opened(sent).getexif()[0x8825], "the picture does say where it was taken"
    made = await pictures.portrait(sent)
    image = opened(made)
    assert dict(image.getexif()) == {}
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert CAMERA not in made and PLACE not in made


async def test_texts_and_profiles_of_other_formats_are_gone_too() -> None:
    for kind in ("PNG", "WEBP"):
        sent = a_picture(kind=kind, size=(300, 300), exif=True, profile=PLACE)
        assert opened(sent).info["icc_profile"] == PLACE and opened(sent).getexif()[0x0110] == CAMERA.decode()
        image = opened(await pictures.portrait(sent))
        assert "icc_profile" not in image.info and dict(image.getexif()) == {}


async def test_a_picture_that_a_telephone_lays_on_its_side_is_put_upright() -> None:
    """Left half red, right half blue, and told to be turned by 90 degrees: then red is above."""
    image = opened(await pictures.portrait(a_picture(size=(400, 400), orientation=6)))
    assert like(image.getpixel((128, 20)), (200, 0, 0))
    assert like(image.getpixel((128, 236)), (0, 0, 200))


async def test_the_middle_is_kept_and_small_pictures_are_not_blown_up() -> None:
    wide = opened(await pictures.portrait(a_picture(size=(1000, 100))))
    assert wide.size == (100, 100)
    assert like(wide.getpixel((10, 50)), (200, 0, 0)) and like(wide.getpixel((90, 50)), (0, 0, 200))


async def test_what_is_transparent_becomes_white() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (100, 100), (255, 0, 0, 0)).save(file, "PNG")
    assert like(opened(await pictures.portrait(file.getvalue())).getpixel((50, 50)), (255, 255, 255))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16"])
async def test_any_kind_of_colours_is_taken(mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (64, 64)).save(file, "JPEG" if mode == "CMYK" else "PNG")
    assert opened(await pictures.portrait(file.getvalue())).size == (64, 64)


async def test_noise_stays_below_the_limit_too() -> None:
    image = Image.effect_noise((512, 512), 200).convert("RGB")
    file = io.BytesIO()
    image.save(file, "PNG")
    assert len(await pictures.portrait(file.getvalue())) < 50_000


async def test_of_a_telephones_picture_that_holds_a_second_one_the_first_is_kept() -> None:
    file = io.BytesIO()
    first, second = Image.new("RGB", (300, 300), (200, 0, 0)), Image.new("RGB", (300, 300), (0, 0, 200))
    first.save(file, "MPO", save_all=True, append_images=[second])
    assert like(opened(await pictures.portrait(file.getvalue())).getpixel((128, 128)), (200, 0, 0))


def moving(kind: str) -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    return file.getvalue()


def gif() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no JPEG"),
        (b"%PDF-1.7 not a picture", "no JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no JPEG"),
        (gif(), "no JPEG"),
        (a_picture(size=(500, 500))[:1500], "cut off"),
        (a_picture(kind="PNG", size=(500, 500))[:300], "cut off"),
        (a_picture(kind="WEBP", size=(500, 500))[:200], "cut off|no JPEG"),
        (a_picture(size=(31, 400)), "at least 32"),
        (moving("PNG"), "does not move"),
        (moving("WEBP"), "does not move"),
        (png_that_claims(60_000, 60_000), "30 million"),
        (png_that_claims(10_000, 10_000), "30 million"),
        (png_that_claims(6_000, 5_001), "30 million"),
        (png_that_claims(500, 500), "cut off"),
    ],
)
async def test_what_is_no_still_picture_of_a_sensible_size_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(errors.Invalid, match=words) as refused:
        await pictures.portrait(content)
    assert refused.value.field == "photo"


async def test_what_is_cut_off_is_refused_although_another_library_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """WeasyPrint says so for the whole process, once the first PDF was asked for."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(errors.Invalid, match="cut off"):
        await pictures.portrait(a_picture(size=(500, 500))[:1500])


async def test_the_loop_goes_on_while_a_picture_is_made() -> None:
    content, ticks = a_picture(kind="PNG", size=(2000, 2000)), 0
    work = asyncio.ensure_future(pictures.portrait(content))
    while not work.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert await work and ticks > 5
