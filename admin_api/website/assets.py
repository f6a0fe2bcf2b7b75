"""Scripts and styles: our own from the package, and those of others from a folder (see `kleanxmpp website fetch`).

An address holds the hash of what is behind it, so browsers keep it for a year and never show an old one. Nothing is
asked of any other host. Files that find each other by their names (Converse; the chat's modules) share one hash.
"""

import hashlib
import logging
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from kleanxmpp import web_assets

log = logging.getLogger(__name__)

PREFIX = "/static"
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file to serve, as it is in memory."""

    name: str
    body: bytes
    digest: str

    @property
    def address(self) -> str:
        """Where it is served."""
        return f"{PREFIX}/{self.digest}/{self.name}"

    @property
    def media_type(self) -> str:
        """What it is."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


def load(vendor: Path | None) -> Mapping[str, Asset]:
    """Read our own files, and `vendor/…` of the folder; by name. Without the folder pages work, but look plain."""
    own = {}
    for source in files(__package__).joinpath("static").iterdir():
        for part in source.iterdir() if source.is_dir() else ():
            own[f"{source.name}/{part.name}"] = part.read_bytes()
        if source.is_file():
            own[source.name] = source.read_bytes()
    found = _assets(own)
    if vendor is None or not vendor.is_dir():
        log.warning("styles and scripts of others are missing: kleanxmpp website fetch")
        return found
    bodies = {name: (vendor / name).read_bytes() for name in web_assets.names() if (vendor / name).is_file()}
    if missing := web_assets.names() - set(bodies):
        log.warning("styles and scripts of others are missing, like %s: kleanxmpp website fetch", min(missing))
    return found | _assets(bodies, prefix="vendor/")


def add_routes(app: web.Application, assets: Mapping[str, Asset]) -> None:
    """Serve them, compressed where that helps."""

    async def serve(request: web.Request) -> web.Response:
        asset = assets.get(request.match_info["name"])
        if asset is None or asset.digest != request.match_info["digest"]:
            raise web.HTTPNotFound
        response = web.Response(body=asset.body, content_type=asset.media_type, headers={"Cache-Control": _FOREVER})
        response.enable_compression()
        return response

    app.router.add_get(PREFIX + "/{digest:[0-9a-f]{16}}/{name:.+}", serve)


def _assets(bodies: Mapping[str, bytes], *, prefix: str = "") -> dict[str, Asset]:
    together = b"".join(body for name, body in sorted(bodies.items()) if "/" in name)
    return {
        prefix + name: Asset(name=prefix + name, body=body, digest=_digest(together if "/" in name else body))
        for name, body in bodies.items()
    }


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]
