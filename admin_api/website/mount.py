"""The website's URL table: every page, and who may see it."""

from pathlib import Path

from aiohttp import web

from kleanxmpp import tokens

from ..oidc.provider import Provider
from ..services import SERVICES
from . import assets, chat_relay, lost
from .binding import page
from .handlers import (
    at_provider,
    audit,
    chat,
    circle_editor,
    departures,
    devices,
    group_rules,
    groups,
    held,
    joining,
    me,
    offboardings,
    overview,
    people,
    person,
    photos,
    server,
    signing_in,
    staff,
)
from .rendering import Pages
from .visits import PAGES


def add_routes(app: web.Application, *, vendor: Path | None) -> None:
    """Serve the pages, and the styles and scripts that they need."""
    known = assets.load(vendor)
    app[PAGES] = Pages(assets=known)
    chosen = app[SERVICES].settings.sign_in_at
    app[at_provider.PROVIDERS] = {domain: Provider(settings) for domain, settings in chosen.items()}
    assets.add_routes(app, known)
    app.middlewares.append(lost.show_the_way)
    add = app.router
    add.add_get("/", page(overview.show_overview))
    add.add_get("/groups", page(groups.show_groups, scope="groups:read", lead=True))
    add.add_get("/groups/new", page(groups.new_group, scope="groups:write"))
    add.add_post("/groups/new", page(groups.add_group, scope="groups:write"))
    add.add_get("/groups/{group_id}", page(groups.show_group, scope="groups:read", lead=True))
    add.add_get("/groups/{group_id}/state", page(groups.show_state, scope="groups:read", lead=True))
    add.add_get("/groups/{group_id}/edit", page(groups.edit_group, scope="groups:write"))
    add.add_post("/groups/{group_id}/edit", page(groups.change_group, scope="groups:write"))
    add.add_get("/groups/{group_id}/archive", page(groups.ask_to_archive, scope="groups:write"))
    add.add_post("/groups/{group_id}/archive", page(groups.archive_group, scope="groups:write"))
    add.add_get("/groups/{group_id}/delete", page(groups.ask_to_delete, scope="groups:write"))
    add.add_post("/groups/{group_id}/delete", page(groups.delete_group, scope="groups:write"))
    add.add_get("/groups/{group_id}/circle", page(circle_editor.edit_circle, scope="groups:write", lead=True))
    add.add_post("/groups/{group_id}/circle", page(circle_editor.change_draft, scope="groups:write", lead=True))
    add.add_get("/groups/{group_id}/rule", page(group_rules.show_rule, scope="groups:read", lead=True))
    add.add_post("/groups/{group_id}/rule", page(group_rules.change_rule, scope="groups:write"))
    add.add_get("/groups/{group_id}/why/{user_id}", page(group_rules.explain, scope="groups:read", lead=True))
    add.add_post("/groups/{group_id}/why/{user_id}", page(group_rules.change_exception, scope="groups:write"))
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
    add.add_post("/sign-out/everywhere", page(me.sign_out_everywhere, own=True))
    add.add_get("/sign-in/with/{domain}", page(at_provider.go_there, public=True), allow_head=False)
    add.add_get(at_provider.COME_BACK, page(at_provider.come_back, public=True), allow_head=False)
    add.add_get("/me", page(me.show_me, own=True))
    add.add_post("/language", page(signing_in.choose_language, public=True))
    _add_people(app)
    _add_chat(app)


def _add_people(app: web.Application) -> None:
    add, one = app.router, "/people/{user_id}"
    add.add_get("/people", page(people.show_people, scope="users:read"))
    add.add_get("/people/new", page(people.show_new, scope="users:write"))
    add.add_post("/people/new", page(people.add, scope="users:write"))
    add.add_get(one, page(person.show_person, scope="users:read"))
    add.add_get(f"{one}/reach", page(person.show_reach, scope="users:read"))
    for path, show, do, scope in (
        ("edit", person.show_edit, person.edit, "users:write"),
        ("off-board", departures.show_off_board, departures.off_board, "users:write"),
        ("pause", departures.show_pause, departures.pause, "users:write"),
        ("take-back", departures.show_take_back, departures.take_back, "users:write"),
        ("erase", departures.show_erase, departures.erase, "users:write"),
        ("access", devices.show_set_up, devices.set_up, "credentials:write"),
        ("photo/edit", photos.show_form, photos.change, "users:write"),
        ("roles", staff.show_roles, staff.give_roles, tokens.ADMIN),
    ):
        add.add_get(f"{one}/{path}", page(show, scope=scope))
        most_bytes = photos.FORM_BYTES if do is photos.change else None
        add.add_post(f"{one}/{path}", page(do, scope=scope, most_bytes=most_bytes))
    add.add_get(f"{one}/photo", page(photos.show_photo, scope="users:read"))
    add.add_post(one + "/devices/{device_id}/revoke", page(devices.revoke_device, scope="credentials:write"))
    add.add_post(one + "/links/{link_id}/revoke", page(devices.revoke_link, scope="credentials:write"))
    add.add_post(f"{one}/sign-out", page(devices.sign_out_everywhere, scope="users:write"))
    add.add_get(one + "/offboardings/{offboarding_id}.pdf", page(offboardings.print_offboarding, scope=person.RECORDS))
    add.add_get(one + "/offboardings/{offboarding_id}", page(offboardings.show_offboarding, scope=person.RECORDS))


def _add_chat(app: web.Application) -> None:
    add = app.router
    add.add_get("/chat", page(chat.show_chat, public=True))
    add.add_get("/chat/state", page(chat.tell_state, public=True, unasked=True))
    add.add_get("/chat/ended", page(chat.show_end, public=True, unasked=True))
    add.add_post("/chat/credential", page(chat.make_credential, public=True, unasked=True))
    add.add_post("/chat/session", page(chat.take_code, public=True, unasked=True))
    chat_relay.add_routes(app)
