"""The website's URL table: every page, and who may see it."""

from pathlib import Path

from aiohttp import web

from . import assets
from .binding import page
from .handlers import circle_editor, group_rules, groups, overview, signing_in
from .rendering import Pages
from .visits import PAGES


def add_routes(app: web.Application, *, vendor: Path | None) -> None:
    """Serve the pages, and the styles and scripts that they need."""
    known = assets.load(vendor)
    app[PAGES] = Pages(assets=known)
    assets.add_routes(app, known)
    add = app.router
    add.add_get("/", page(overview.show_overview))
    add.add_get("/groups", page(groups.show_groups, scope="groups:read", lead=True))
    add.add_get("/groups/new", page(groups.new_group, scope="groups:write"))
    add.add_post("/groups/new", page(groups.add_group, scope="groups:write"))
    add.add_get("/groups/{group_id}", page(groups.show_group, scope="groups:read", lead=True))
    add.add_get("/groups/{group_id}/state", page(groups.show_state, scope="groups:read", lead=True))
    add.add_get("/groups/{group_id}/edit", page(groups.edit_group, scope="groups:write"))
    add.add_post("/groups/{group_id}/edit", page(groups.change_group, scope="groups:write"))
    add.add_get("/groups/{group_id}/delete", page(groups.ask_to_delete, scope="groups:write"))
    add.add_post("/groups/{group_id}/delete", page(groups.delete_group, scope="groups:write"))
    add.add_get("/groups/{group_id}/circle", page(circle_editor.edit_circle, scope="groups:write", lead=True))
    add.add_post("/groups/{group_id}/circle", page(circle_editor.change_draft, scope="groups:write", lead=True))
    add.add_get("/groups/{group_id}/rule", page(group_rules.show_rule, scope="groups:read", lead=True))
    add.add_post("/groups/{group_id}/rule", page(group_rules.change_rule, scope="groups:write"))
    add.add_get("/groups/{group_id}/why/{user_id}", page(group_rules.explain, scope="groups:read", lead=True))
    add.add_post("/groups/{group_id}/why/{user_id}", page(group_rules.change_exception, scope="groups:write"))
    add.add_get("/sign-in", page(signing_in.sign_in, public=True))
    add.add_get("/sign-in/{code}", page(signing_in.look_at_link, public=True))
    add.add_post("/sign-in/{code}", page(signing_in.take_link, public=True))
    add.add_post("/sign-out", page(signing_in.sign_out, public=True))
    add.add_post("/language", page(signing_in.choose_language, public=True))
