"""Which files of others the website takes, and from which archives: only from the ones that were looked at."""

import base64
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from kleanxmpp import errors, web_assets
from kleanxmpp.web_assets import Package


def archive(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return made.getvalue()


def package(files: bytes, wanted: Mapping[str, str]) -> Package:
    sha512 = base64.b64encode(hashlib.sha512(files).digest()).decode()
    return Package(name="@some/one", version="1.0.0", sha512=sha512, wanted=wanted)


def test_only_wanted_files_are_taken_wherever_the_archive_wants_others_to_go() -> None:
    files = archive({"package/a.js": b"a", "package/b.js": b"b", "../../etc/cron.d/x": b"x", "/a.js": b"absolute"})
    assert web_assets.unpacked(package(files, {"a.js": "folder/a.js"}), files) == {"folder/a.js": b"absolute"}


def test_an_archive_with_another_hash_is_refused() -> None:
    files, other = archive({"package/a.js": b"a"}), archive({"package/a.js": b"evil"})
    with pytest.raises(errors.Invalid, match=r"@some/one@1\.0\.0 is not that package"):
        web_assets.unpacked(package(files, {"a.js": "a.js"}), other)


def test_a_link_in_an_archive_is_no_file() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        link = tarfile.TarInfo("package/a.js")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(errors.Invalid, match=r"lacks a\.js"):
        web_assets.unpacked(package(made.getvalue(), {"a.js": "a.js"}), made.getvalue())


def test_a_folder_counts_only_whole_unchanged_and_of_this_version(tmp_path: Path) -> None:
    files = archive({"package/a.js": b"a"})
    packages = (package(files, {"a.js": "a.js"}),)
    assert not web_assets.present(tmp_path / "missing", packages=packages)
    (tmp_path / "a.js").write_bytes(b"a")
    assert not web_assets.present(tmp_path, packages=packages), "the stamp is written last"
    (tmp_path / web_assets.STAMP).write_text(web_assets.stamp({"a.js": b"a"}, packages=packages))
    assert web_assets.present(tmp_path, packages=packages)
    newer = (package(archive({"package/a.js": b"new"}), {"a.js": "a.js"}),)
    assert not web_assets.present(tmp_path, packages=newer)
    (tmp_path / "a.js").write_bytes(b"changed")
    assert not web_assets.present(tmp_path, packages=packages)


def test_what_is_taken_brings_its_licence_and_nothing_under_the_gpl() -> None:
    for one in web_assets.PACKAGES:
        assert any("LICENSE" in target for target in one.wanted.values()), one.name
    assert not any("omemo" in name or name.endswith(".map") for name in web_assets.names())
