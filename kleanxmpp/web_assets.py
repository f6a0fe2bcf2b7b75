"""Styles and scripts of others that the website uses: which packages, which of their files, and what they must be.

None of them is in our code. A package is fetched by name and version from wherever the machine's npm fetches, and is
worth nothing unless its archive is, byte for byte, the one that was looked at: the hash stands here. This module is
pure but for `present`, which only reads. Left out on purpose: Converse's OMEMO library, which is under the GPL.
"""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kleanxmpp import errors

STAMP = "fetched.json"
"""The file that says what the folder holds. It is written last."""
_LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package of npm. `sha512`: of its archive, in base64. `wanted`: where its files go, by their place in it."""

    name: str
    version: str
    sha512: str
    wanted: Mapping[str, str]

    @property
    def spec(self) -> str:
        """As npm is asked for it."""
        return f"{self.name}@{self.version}"


_CONVERSE = (
    "converse.min.js",
    "converse.min.css",
    "emoji.json",
    "manifest.json",
    "images/logo/conversejs-filled.svg",
    "images/custom_emojis/converse.png",
    "images/custom_emojis/xmpp.png",
    "sounds/msg_received.mp3",
    "sounds/msg_received.ogg",
    "webfonts/baumans.ttf",
    "webfonts/muli.ttf",
    "chunkjs/locales/de-LC_MESSAGES-converse-po.js",
    "chunkjs/locales/dayjs/de-js.js",
    "chunkjs/locales/dayjs/en-js.js",
)

PACKAGES = (
    Package(
        name="@picocss/pico",
        version="2.1.1",
        sha512="kIDugA7Ps4U+2BHxiNHmvgPIQDWPDU4IeU6TNRdvXQM1uZX+FibqDQT2xUOnnO2yq/LUHcwnGlu1hvf4KfXnMg==",
        wanted={"css/pico.min.css": "pico.min.css", "LICENSE.md": "LICENSE.pico"},
    ),
    Package(
        name="htmx.org",
        version="2.0.11",
        sha512="Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        wanted={"dist/htmx.min.js": "htmx.min.js", "LICENSE": "LICENSE.htmx"},
    ),
    Package(
        name="converse.js",
        version="14.0.0",
        sha512="LFUg030jDalV47vI/vyVPqYPZfJYXFbubq8v0cFDe2zXNeeGEk3Up0Fj/WTzT6t+6do+cAIToy73eAj7RNDj2Q==",
        wanted={f"dist/{name}": f"converse/{name}" for name in _CONVERSE} | {"LICENSE": "converse/LICENSE"},
    ),
)


def names(packages: Sequence[Package] = PACKAGES) -> frozenset[str]:
    """Return the files of the folder, the stamp left out."""
    return frozenset(target for package in packages for target in package.wanted.values())


def unpacked(package: Package, archive: bytes) -> Mapping[str, bytes]:
    """Return the wanted files of an archive, by where they go.

    Raises Invalid for an archive that is not the one we know, and says nothing of what is in it.
    """
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != package.sha512:
        raise errors.Invalid(
            f"What came as {package.spec} is not that package: its hash is another. Nothing of it was used."
        )
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            # the first folder is `package` by convention, but nothing holds authors to it
            target = package.wanted.get(str(PurePosixPath(*PurePosixPath(member.name).parts[1:])))
            if target is None or not member.isfile() or member.size > _LARGEST:
                continue
            content = tar.extractfile(member)
            found[target] = content.read() if content else b""
    if missing := sorted(set(package.wanted.values()) - set(found)):
        raise errors.Invalid(f"{package.spec} lacks {missing[0]}.")
    return found


def stamp(files: Mapping[str, bytes], *, packages: Sequence[Package] = PACKAGES) -> str:
    """Return what stands in the stamp of a folder that holds these files."""
    facts = {
        "packages": {package.name: {"version": package.version, "sha512": package.sha512} for package in packages},
        "files": {name: hashlib.sha256(body).hexdigest() for name, body in sorted(files.items())},
    }
    return json.dumps(facts, indent=2) + "\n"


def present(folder: Path, *, packages: Sequence[Package] = PACKAGES) -> bool:
    """Whether the folder holds these versions, and nobody changed a file of theirs since."""
    wanted = names(packages)
    try:
        written = (folder / STAMP).read_text()
        files = {name: (folder / name).read_bytes() for name in wanted}
    except (FileNotFoundError, NotADirectoryError):
        return False
    return written == stamp(files, packages=packages)
