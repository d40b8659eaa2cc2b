"""Photos from phones: kept upright and small without what phones write beside them; everything else is refused in words."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from data_models.errors import BadInput
from flows.photos import LONGEST_SIDE, MOST_BYTES, MOST_PIXELS, read_photo

RED, BLUE = (220, 20, 20), (20, 20, 220)


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    made = io.BytesIO()
    picture.save(made, kind, **options)
    return made.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def exif(*, turned: int = 1) -> Image.Exif:
    """What a phone writes: how to turn the picture, who made it, and where."""
    said = Image.Exif()
    said[0x0112] = turned
    said[0x010F] = "PhoneMaker"
    said.get_ifd(0x8825)[2] = (31.0, 14.0, 0.0)
    return said


def test_a_photo_loses_place_and_camera_and_stands_upright() -> None:
    lying = Image.new("RGB", (80, 40), RED)
    lying.paste(BLUE, (40, 0, 80, 40))
    sent = encoded(lying, exif=exif(turned=6))
    assert b"PhoneMaker" in sent
    photo = read_photo(sent)
    assert (photo.width, photo.height, photo.media_type) == (40, 80, "image/jpeg")
    kept = opened(photo.content)
    assert dict(kept.getexif()) == {}
    assert b"Exif" not in photo.content
    assert b"PhoneMaker" not in photo.content
    # Turned by a quarter, what lay on the left is on top.
    top, bottom = kept.convert("RGB").getpixel((20, 10)), kept.convert("RGB").getpixel((20, 70))
    assert top[0] > 150 > top[2]  # type: ignore[index,operator]
    assert bottom[2] > 150 > bottom[0]  # type: ignore[index,operator]


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1"), ("WEBP", "RGB")]
)
def test_pictures_of_each_kind_become_jpeg(kind: str, mode: str) -> None:
    photo = read_photo(encoded(Image.new(mode, (30, 20)), kind))
    assert opened(photo.content).format == "JPEG"
    assert (photo.width, photo.height) == (30, 20)


def test_what_was_transparent_is_white() -> None:
    photo = read_photo(encoded(Image.new("RGBA", (10, 10), (0, 0, 0, 0)), "PNG"))
    assert opened(photo.content).convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_a_large_photo_is_made_smaller_and_keeps_its_shape() -> None:
    photo = read_photo(encoded(Image.new("RGB", (4 * LONGEST_SIDE, LONGEST_SIDE), RED)))
    assert (photo.width, photo.height) == (LONGEST_SIDE, LONGEST_SIDE // 4)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be so large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def test_a_small_file_that_would_fill_the_memory_is_refused_before_it_is_decoded() -> None:
    assert MOST_PIXELS == 10_000 * 8_000
    for width, height in ((10_000, 8_001), (60_000, 60_000)):
        with pytest.raises(BadInput, match="pixels"):
            read_photo(bomb(width, height))


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"\xff\xd8\xff\xe0 not a picture after all",
        encoded(Image.new("RGB", (40, 40)), "GIF"),
        encoded(Image.new("RGB", (40, 40)), "TIFF"),
        encoded(Image.effect_noise((200, 200), 80).convert("RGB"))[:2000],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        bomb(50, 50),
    ],
)
def test_what_is_no_photo_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(BadInput, match="photo"):
        read_photo(content)


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(BadInput, match="bytes"):
        read_photo(b"\xff" * (MOST_BYTES + 1))
    with pytest.raises(BadInput, match="empty"):
        read_photo(b"")
