"""Service policies by name: the presets beside this file, and a company's own in a folder of its choice.

What a file names in `extends` is a preset, also where the company's folder has a file of that name; others are named by path.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path

from data_models.errors import BadInput
from data_models.policy import ServicePolicy
from data_models.policy_files import read_policy

PRESET_DIR = Path(__file__).parent / "policies"
BASE = "common"
"""What the presets share; a file to start from, not a policy of any industry."""


def preset_names() -> tuple[str, ...]:
    """The industries that have a preset, sorted."""
    return tuple(name for name in policy_paths(None) if name != BASE)


def policy_paths(policy_dir: Path | None) -> dict[str, Path]:
    """Policy files by name; one in `policy_dir` stands in for a preset of the same name. Raises `BadInput` for no such folder."""
    if policy_dir is not None and not policy_dir.is_dir():
        raise BadInput(f"policy_dir {policy_dir} is not a folder; name the folder that holds your policy files")
    folders = [PRESET_DIR] if policy_dir is None else [PRESET_DIR, policy_dir]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def load_policy(name_or_path: str | Path, policy_dir: Path | None = None) -> ServicePolicy:
    """A policy by the name of its file without ending, or by the path of a file ending in `.toml`.

    Raises
    ------
    BadInput
        No such policy, or its file has an error.
    """
    paths = policy_paths(policy_dir)
    name = str(name_or_path)
    if name in paths:
        return read_policy(paths[name], policy_paths(None))
    if name.endswith(".toml"):
        return read_policy(Path(name_or_path), policy_paths(None))
    meant = difflib.get_close_matches(name[:60], paths, n=1)
    hint = f"did you mean {meant[0]}? " if meant else ""
    raise BadInput(f'policy "{name[:60]}" is not known; {hint}Known are {", ".join(paths)}; a path must end in .toml')


def load_policies(policy_dir: Path | None = None) -> dict[str, ServicePolicy]:
    """All presets and the company's own policies, by name. Raises `BadInput` for any file with an error."""
    files = (*policy_paths(None).values(), *policy_paths(policy_dir).values())
    return dict(_policies(policy_dir, tuple(_mark(path) for path in files)))


def _mark(path: Path) -> tuple[int, int]:
    """What tells a file from what it was before: when it was written, and how long it is."""
    try:
        told = path.stat()
    except OSError:
        return 0, 0  # reading it will say what is wrong
    return told.st_mtime_ns, told.st_size


@lru_cache(maxsize=4)
def _policies(policy_dir: Path | None, _marks: tuple[tuple[int, int], ...]) -> dict[str, ServicePolicy]:
    # Reading the presets takes 50 ms, which an answer that is wanted at once has not got.
    presets = policy_paths(None)
    return {name: read_policy(path, presets) for name, path in policy_paths(policy_dir).items() if name != BASE}
