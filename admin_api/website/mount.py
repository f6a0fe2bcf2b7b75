"""The website's URL table: every page, and who may see it."""

from pathlib import Path

from aiohttp import web

from . import assets
from .binding import page
from .handlers import audit, held, joining, overview, server, signing_in
from .rendering import Pages
from .visits import PAGES


def add_routes(app: web.Application, *, vendor: Path | None) -> None:
    """Serve the pages, and the styles and scripts that they need."""
    known = assets.load(vendor)
    app[PAGES] = Pages(assets=known)
    assets.add_routes(app, known)
    add = app.router
    add.add_get("/", page(overview.show_overview))
    add.add_get("/held/{hold_id}", page(held.show_hold, scope="status:read"))
    add.add_post("/held/{hold_id}", page(held.decide, scope="reconcile:write"))
    add.add_get("/server", page(server.show_server, scope="status:read"))
    add.add_post("/server", page(server.check_now, scope="status:read"))
    add.add_get("/audit", page(audit.show_audit, scope="audit:read"))
    add.add_get("/audit/chain", page(audit.show_chain, scope="audit:read"))
    add.add_post("/audit/chain", page(audit.check_chain, scope="audit:read"))
    add.add_get("/audit/export", page(audit.export, scope="audit:read"))
    add.add_get("/sign-in", page(signing_in.sign_in, public=True))
    add.add_get("/sign-in/{code}", page(signing_in.look_at_link, public=True))
    add.add_post("/sign-in/{code}", page(signing_in.take_link, public=True))
    add.add_get("/join/{code}", page(joining.look_at_link, public=True))
    add.add_post("/join/{code}", page(joining.take_step, public=True))
    add.add_post("/sign-out", page(signing_in.sign_out, public=True))
    add.add_post("/language", page(signing_in.choose_language, public=True))
