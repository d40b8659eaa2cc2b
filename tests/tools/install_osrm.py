"""Put a real OSRM where the tests look for it; doing it again does nothing.

    python tests/tools/install_osrm.py

`.tools/osrm` gets the unpacked wheel of osrm-bindings: osrm-extract, -partition, -customize and -routed, and the profiles. pip
would not install it on Python 3.11 (its module wants 3.12), but the programs do not care.
`.tools/roads` gets a Python 3.12 or newer with the module, for the embedded engine; left out when this machine has none.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REQUIREMENTS = HERE / "osrm.txt"
PROGRAMS = ROOT / ".tools" / "osrm"
PYTHON = ROOT / ".tools" / "roads"
MACHINES = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")}
NEWER_PYTHONS = ("3.12", "3.13", "3.14", "3.15")


def main() -> None:
    """Install what is missing."""
    locked = locked_requirements()
    stamp = hashlib.sha256(locked.encode()).hexdigest()
    if (platform.system(), platform.machine()) not in MACHINES:
        print(f"OSRM has no wheel for {platform.system()} {platform.machine()}: the tests of roads will say so and skip")
        return
    if not is_made(PROGRAMS, stamp):
        print("installing OSRM into .tools/osrm (20 MB)")
        install_programs()
        (PROGRAMS / ".stamp").write_text(stamp)
    if not is_made(PYTHON, stamp):
        python = newer_python()
        if python is None:
            print("no Python 3.12 or newer here: the test of the embedded road engine will say so and skip")
            return
        print(f"installing the embedded road engine into .tools/roads, with {python}")
        install_module(python, locked)
        (PYTHON / ".stamp").write_text(stamp)


def locked_requirements() -> str:
    """The requirement of OSRM, and that of numpy as the lock file has it; all with hashes."""
    numpy = re.search(r"^numpy==.*?(?=^\S)", (ROOT / "requirements.lock").read_text() + "\n.", re.MULTILINE | re.DOTALL)
    if numpy is None:
        raise SystemExit("requirements.lock has no numpy: run `make lock`")
    return REQUIREMENTS.read_text() + numpy.group()


def is_made(folder: Path, stamp: str) -> bool:
    """Whether the folder was made, to the end, from these very requirements."""
    made = folder / ".stamp"
    return made.is_file() and made.read_text() == stamp


def install_programs() -> None:
    """Download the wheel, checked against its hash, and unpack it."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    target = ["--python-version", "3.12", "--implementation", "cp", "--abi", "abi3"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*pip, *target, "-r", str(REQUIREMENTS), "-d", folder], check=True)
        (wheel_file,) = Path(folder).glob("*.whl")
        shutil.rmtree(PROGRAMS, ignore_errors=True)
        with zipfile.ZipFile(wheel_file) as wheel:
            wheel.extractall(PROGRAMS)
    for program in (PROGRAMS / "osrm" / "bin").iterdir():
        program.chmod(0o755)


def install_module(python: str, locked: str) -> None:
    """A virtual environment with the module and numpy."""
    shutil.rmtree(PYTHON, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(PYTHON)], check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(locked)
        requirements.flush()
        pip = [str(PYTHON / "bin" / "python"), "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--require-hashes"]
        subprocess.run([*pip, "-r", requirements.name], check=True)


def newer_python() -> str | None:
    """A Python of 3.12 or newer that really starts: this one, on the path, or kept by pyenv."""
    return next(filter(starts, candidates()), None)


def candidates() -> Iterator[str]:
    """Where a newer Python may be."""
    if sys.version_info >= (3, 12):
        yield sys.executable
    for version in NEWER_PYTHONS:
        yield f"python{version}"
        yield from map(str, sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}*/bin/python")))


def starts(python: str) -> bool:
    """Whether it runs and can make virtual environments; a pyenv shim of a version that is not chosen does not."""
    try:
        return subprocess.run([python, "-c", "import ensurepip, venv"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
