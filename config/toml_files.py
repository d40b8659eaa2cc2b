"""TOML files of an installation, read with messages that say what to do."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from data_models.errors import BadInput


def read_toml(path: Path, remedy: str) -> dict[str, Any]:
    """What a TOML file holds. Raises `BadInput`, with `remedy` where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}; {remedy}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not TOML: {error}; correct it there") from None
