"""`kleanxmpp website fetch` with an npm of our own: what it does, and what it says when it cannot."""

import os
from pathlib import Path

import pytest

from kleanxmpp import errors, web_assets
from kleanxmpp.cli.website_fetch import fetch_into
from tests.unit.test_web_assets import archive, package

FILES = archive({"package/a.js": b"ours", "package/LICENSE": b"free"})
PACKAGES = (package(FILES, {"a.js": "sub/a.js", "LICENSE": "LICENSE"}),)


def npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program called npm, which does this, before all others."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "archive").write_bytes(FILES)
    program = folder / "bin" / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.defpath}")


def test_it_fetches_once_and_repairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, target = tmp_path / "asked", tmp_path / "deep" / "website"
    npm(tmp_path, monkeypatch, f'echo "$@" >>{asked}; cp {tmp_path}/archive some-one.tgz')
    assert (fetch_into(target, packages=PACKAGES)).changed
    assert (target / "sub" / "a.js").read_bytes() == b"ours" and (target / web_assets.STAMP).exists()
    assert {file.stat().st_mode & 0o777 for file in target.rglob("*") if file.is_file()} == {0o644}
    assert not (fetch_into(target, packages=PACKAGES)).changed
    said = asked.read_text().splitlines()
    assert len(said) == 1 and said[0].startswith("pack @some/one@1.0.0 --ignore-scripts")
    (target / "sub" / "a.js").write_bytes(b"changed by somebody")
    assert (fetch_into(target, packages=PACKAGES)).changed
    assert (target / "sub" / "a.js").read_bytes() == b"ours"


def test_another_archive_is_refused_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(tmp_path, monkeypatch, "echo something else >some-one.tgz")
    with pytest.raises(errors.Invalid, match="its hash is another"):
        fetch_into(tmp_path / "website", packages=PACKAGES)
    assert not (tmp_path / "website").exists()


def test_it_says_what_to_do_without_npm_or_internet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(tmp_path, monkeypatch, "echo 'npm error network is unreachable' >&2; exit 1")
    with pytest.raises(errors.Invalid, match=r"network is unreachable\. Is this machine online"):
        fetch_into(tmp_path / "website", packages=PACKAGES)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.Invalid, match="apt-get install --no-install-recommends npm"):
        fetch_into(tmp_path / "website", packages=PACKAGES)
    with pytest.raises(errors.Invalid, match=r"some-one-1\.0\.0\.tgz is missing"):
        fetch_into(tmp_path / "website", archives=tmp_path, packages=PACKAGES)
    (tmp_path / "some-one-1.0.0.tgz").write_bytes(FILES)
    assert (fetch_into(tmp_path / "website", archives=tmp_path, packages=PACKAGES)).changed
