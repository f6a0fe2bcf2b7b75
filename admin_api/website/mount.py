"""The website's URL table: every page, and who may see it."""

from pathlib import Path

from aiohttp import web

from ..oidc.provider import Provider
from ..services import SERVICES
from . import assets
from .binding import page
from .handlers import at_provider, me, overview, signing_in
from .rendering import Pages
from .visits import PAGES


def add_routes(app: web.Application, *, vendor: Path | None) -> None:
    """Serve the pages, and the styles and scripts that they need."""
    known = assets.load(vendor)
    app[PAGES] = Pages(assets=known)
    chosen = app[SERVICES].settings.sign_in_at
    app[at_provider.PROVIDERS] = {domain: Provider(settings) for domain, settings in chosen.items()}
    assets.add_routes(app, known)
    add = app.router
    add.add_get("/", page(overview.show_overview))
    add.add_get("/sign-in", page(signing_in.sign_in, public=True))
    add.add_get("/sign-in/{code}", page(signing_in.look_at_link, public=True))
    add.add_post("/sign-in/{code}", page(signing_in.take_link, public=True))
    add.add_post("/sign-out", page(signing_in.sign_out, public=True))
    add.add_post("/sign-out/everywhere", page(me.sign_out_everywhere, own=True))
    add.add_get("/sign-in/with/{domain}", page(at_provider.go_there, public=True), allow_head=False)
    add.add_get(at_provider.COME_BACK, page(at_provider.come_back, public=True), allow_head=False)
    add.add_get("/me", page(me.show_me, own=True))
    add.add_post("/language", page(signing_in.choose_language, public=True))
