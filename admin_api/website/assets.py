"""Scripts and styles: our own from the package, and those of others from a folder (see `kleanxmpp website fetch`).

An address holds the hash of what is behind it, so browsers keep it for a year and never show an old one. Nothing is
asked of any other host. Files that find each other by their names (Converse) share one hash, and so one folder.
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
    found = {}
    for source in files(__package__).joinpath("static").iterdir():
        found[source.name] = _asset(source.name, source.read_bytes())
    if vendor is None or not vendor.is_dir():
        log.warning("styles and scripts of others are missing: kleanxmpp website fetch")
        return found
    bodies = {name: (vendor / name).read_bytes() for name in web_assets.names() if (vendor / name).is_file()}
    if missing := web_assets.names() - set(bodies):
        log.warning("styles and scripts of others are missing, like %s: kleanxmpp website fetch", min(missing))
    together = b"".join(body for name, body in sorted(bodies.items()) if "/" in name)
    for name, body in bodies.items():
        digest = _digest(together if "/" in name else body)
        found[f"vendor/{name}"] = Asset(name=f"vendor/{name}", body=body, digest=digest)
    return found


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


def _asset(name: str, body: bytes) -> Asset:
    return Asset(name=name, body=body, digest=_digest(body))


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]
