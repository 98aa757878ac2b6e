"""What is installed is what was tried: locks agree with the pins, licences are known, and a wheel is the same twice."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / ".ci" / "locks"

LICENCES = ("Apache", "MIT", "BSD", "ISC", "PSF", "Python Software Foundation", "MPL-2.0", "Mozilla Public License 2.0")
"""What may be used from a program under Apache-2.0 without changing its licence; MPL stays with its own files."""


def pins(text: str) -> dict[str, str]:
    """Package -> version, of lines that begin ``name==version``."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def closure(*extras: str) -> set[str]:
    """Every package that this one brings with ``extras``, according to the installed ones; itself left out."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [("portal-monitor", frozenset(extras))]
    while waiting:
        name, extras_needed = one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for line in metadata.requires(name) or ():
            need = Requirement(line)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras_needed)):
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return {name for name, _ in seen} - {"portal-monitor"}


def test_the_whole_lock_is_the_list_of_pins():
    assert pins((LOCKS / "all.txt").read_text()) == pins((ROOT / "constraints.txt").read_text())


@pytest.mark.parametrize(("lock", "extras"), [("run", ()), ("render", ("render",))])
def test_a_lock_holds_what_is_needed_at_the_pinned_versions(lock: str, extras: tuple[str, ...]):
    locked = pins((LOCKS / f"{lock}.txt").read_text())
    assert locked.items() <= pins((ROOT / "constraints.txt").read_text()).items()
    assert closure(*extras) <= locked.keys()


@pytest.mark.parametrize("lock", ["run", "render", "build", "all"])
def test_every_package_is_known_by_digests_and_no_index_is_named(lock: str):
    text = (LOCKS / f"{lock}.txt").read_text()
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.split()[0]
    assert "://" not in text
    assert "--index" not in text


def test_the_image_is_installed_by_digests_alone():
    installs = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if "pip install" in line]
    assert len(installs) >= 3
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)


@pytest.mark.parametrize("name", sorted(closure("render")))
def test_every_package_of_the_daemon_has_a_licence_that_we_may_use(name: str):
    about = metadata.metadata(name)
    texts = [
        about.get("License-Expression") or "",
        *(about.get_all("Classifier") or ()),
        (about.get("License") or "")[:200],
    ]
    texts = [
        text for text in texts if not text.startswith(("Operating", "Programming", "Topic", "Intended", "Framework"))
    ]
    assert any(word in text for text in texts for word in LICENCES), f"{name}: {texts}"
    assert not any(word in text for text in texts for word in ("GPL-3", "AGPL", "GNU General")), f"{name}: {texts}"


def test_a_wheel_is_the_same_bytes_wherever_and_whenever_it_is_built(tmp_path: Path):
    """Two checkouts at two places, whose files have other times and modes of reading."""
    found = set()
    for number, place in enumerate(("here", "elsewhere/deep")):
        checkout = tmp_path / place
        shutil.copytree(
            ROOT, checkout, ignore=shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "data")
        )
        for path in checkout.rglob("*"):
            os.utime(path, (1_700_000_000 + number * 86_400, 1_700_000_000 + number * 86_400))
            path.chmod(path.stat().st_mode & (0o777, 0o755)[number])
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1790000000", "PYTHON": sys.executable}
        subprocess.run([checkout / ".ci/wheel", tmp_path / str(number)], env=environment, check=True)
        (wheel,) = (tmp_path / str(number)).glob("*.whl")
        found.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(found) == 1, "the wheels differ"
