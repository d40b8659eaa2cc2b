"""Photos as they come from phones: looked at, made smaller, and encoded anew without what phones write beside the picture.

What a file says of itself counts for nothing: it is a photo when it can be decoded as one.
"""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass
from typing import Any

from data_models.errors import BadInput

MOST_BYTES = 15_000_000
"""Of an upload; phones make 3 to 12 MB."""

MOST_PIXELS = 80_000_000
"""Decoded, a photo takes three bytes a pixel: a small file may claim gigabytes."""

LONGEST_SIDE = 2048
"""Pixels of what is kept: enough to read a gauge, a tenth of what the phone sent."""

QUALITY = 82
_FORMATS = ("JPEG", "PNG", "WEBP")
_decoding = threading.Semaphore(2)
"""So many photos are decoded at once in a process, each up to a quarter of a gigabyte."""


@dataclass(frozen=True)
class Photo:
    """A photo as it is kept: JPEG, upright, without place, time or camera."""

    content: bytes
    width: int
    height: int
    media_type: str = "image/jpeg"


def read_photo(content: bytes) -> Photo:
    """The photo that an upload holds.

    Raises
    ------
    BadInput
        It is empty, too large, no picture, or broken; the sentence says which.
    """
    if not content:
        raise BadInput("the photo is empty; take it again")
    if len(content) > MOST_BYTES:
        raise BadInput(f"the photo has {len(content):,} bytes; send at most {MOST_BYTES:,}")
    with _decoding:
        return _encoded_anew(content)


def _encoded_anew(content: bytes) -> Photo:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
                _must_be_small(opened)
                # JPEG alone can be decoded smaller than it is, which saves most of the memory.
                opened.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
                # Phones keep the picture as the sensor lies and say beside it how to turn it; that goes with the rest.
                upright: Any = ImageOps.exif_transpose(opened)
                flat = _on_white(upright)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadInput(f"the photo has more than {MOST_PIXELS:,} pixels; send a smaller one") from None
    except UnidentifiedImageError:
        raise BadInput("this is no photo; send a JPEG, PNG or WebP picture") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError) as error:
        raise BadInput("the photo is broken or incomplete; take it again") from error
    flat.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    made = io.BytesIO()
    flat.save(made, "JPEG", quality=QUALITY, optimize=True)
    return Photo(made.getvalue(), *flat.size)


def _must_be_small(opened: Any) -> None:
    width, height = opened.size
    if width * height > MOST_PIXELS:
        raise BadInput(f"the photo has {width:,} × {height:,} pixels; send one of at most {MOST_PIXELS:,} in all")


def _on_white(picture: Any) -> Any:
    """The picture in RGB; what was transparent is white. A copy that holds pixels alone."""
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        flat = Image.new("RGB", layered.size, "white")
        flat.paste(layered, mask=layered.getchannel("A"))
        return flat
    return picture.convert("RGB")
