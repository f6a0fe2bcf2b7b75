"""The pages about the company as a whole, and those outside: signing in, joining, errors, the chat's doors."""

import asyncio

from kleanxmpp.website_ports import StaffRole
from tests.e2e.website.tour import Page, Tour, at

JOIN = "/join/{code}"
ANYWHERE = "anywhere else"


async def checked(tour: Tour) -> None:
    await tour.go("/server")
    await tour.tab.locator("#check-now").click()
    await tour.tab.locator("ul.findings").wait_for()
    await tour.tab.locator("#report:not([data-live])").wait_for()


async def verified(tour: Tour) -> None:
    await tour.go("/audit")
    await tour.tab.locator("#verify-now").click()
    await tour.tab.locator("#chain .badge.good").wait_for()


async def link_opened(tour: Tour) -> None:
    await tour.go(await tour.site.link())


async def joining(tour: Tour) -> None:
    await tour.go(f"/join/{await tour.town.join_code()}")


async def choosing(tour: Tour) -> None:
    await joining(tour)
    await tour.press("main form button")
    await tour.press("nav.choices a >> nth=0")


async def shown(tour: Tour) -> None:
    await choosing(tour)
    await tour.press("ol.steps form button")


async def shown_before(tour: Tour) -> None:
    await shown(tour)
    await tour.go(tour.tab.url.removeprefix(tour.site.origin))


async def too_often(tour: Tour) -> None:
    from_elsewhere = {"X-Forwarded-For": {"de": "198.51.100.1", "en": "198.51.100.2"}[tour.light.language]}
    await tour.tab.set_extra_http_headers(from_elsewhere)
    ask = tour.tab.request.get
    for _ in range(5):  # the budget comes back all the time
        await asyncio.gather(*(ask(f"{tour.site.origin}/join/xxxx-xxxx", headers=from_elsewhere) for _ in range(80)))
        await tour.go("/join/xxxx-xxxx")
        if tour.status == 429:
            break
    await tour.tab.set_extra_http_headers({})


async def session_over(tour: Tour) -> None:
    await tour.go("/groups/new")
    await tour.tab.locator("#name").fill("Was ich schrieb")
    await tour.lose_session()
    await tour.press("main form .actions button")


async def signed_in_anew(tour: Tour) -> None:
    await tour.go("/groups/new")
    await tour.tab.locator("#name").fill("Was ich schrieb")
    await tour.window.context.clear_cookies()
    other = await tour.window.context.new_page()
    await other.goto(tour.site.origin + await tour.site.link(StaffRole.ADMIN))
    async with other.expect_navigation():
        await other.locator("main form button").click()
    await other.close()
    await tour.press("main form .actions button")


OVERALL = (
    Page("overview", "/", "overview.html", at("/")),
    Page("overview-empty", "/", "overview.html", at("/"), who="empty"),
    Page("start", "/", "start.html", at("/"), who="lead"),
    Page("server-unchecked", "/server", "server.html", at("/server"), pictured=False),
    Page("server", "/server", "server.html", checked, pictured=True),
    Page("audit", "/audit", "audit.html", verified),
    Page("audit-not-found", "/audit", "audit.html", at("/audit?q=Niemand")),
    Page("me", "/me", "me.html", at("/me")),
    Page("me-by-link", "/me", "me.html", at("/me"), who="link"),
    Page("session-over", "/groups/new", "again.html", session_over, who="passing", status=401),
    Page("signed-in-anew", "/groups/new", "again.html", signed_in_anew, who="link", status=409),
    Page("not-allowed", "/people/new", "error.html", at("/people/new"), who="auditor", status=403),
    Page(
        "not-there",
        "/groups/{group_id}",
        "error.html",
        at("/groups/00000000000000000000000000000000"),
        status=404,
    ),
    Page("chat-refused", "/chat", "chat_refused.html", at("/chat"), who="link", status=403),
)
OUTSIDE = (
    Page("sign-in", "/sign-in", "sign_in.html", at("/sign-in"), who="nobody"),
    Page("sign-in-link", "/sign-in/{code}", "sign_in_link.html", link_opened, who="nobody"),
    Page(
        "sign-in-over",
        "/sign-in/{code}",
        "sign_in_refused.html",
        at("/sign-in/xxxx-xxxx"),
        who="nobody",
        status=404,
    ),
    Page(
        "sign-in-away",
        "/sign-in/with/{domain}",
        "sign_in_refused.html",
        at("/sign-in/with/glanz.test"),
        who="nobody",
        status=503,
    ),
    Page(
        "sign-in-too-late",
        "/oidc/callback",
        "sign_in_refused.html",
        at("/oidc/callback?state=x&code=y"),
        who="nobody",
        status=400,
    ),
    Page("join", JOIN, "join.html", joining, who="nobody"),
    Page("join-choose", JOIN, "join_choose.html", choosing, who="nobody"),
    Page("join-login", JOIN, "join_device.html", shown, who="nobody"),
    Page("join-shown", JOIN, "join_shown.html", shown_before, who="nobody"),
    Page("join-over", JOIN, "join_over.html", at("/join/xxxx-xxxx"), who="nobody", status=404),
    Page("join-wait", JOIN, "join_wait.html", too_often, who="too often", status=429),
    Page("chat-sign-in", "/chat", "chat_sign_in.html", at("/chat"), who="nobody"),
    Page("chat-ended", "/chat/ended", "chat_ended.html", at("/chat/ended"), who="nobody", pictured=False),
)
TROUBLE = (
    Page("overview-trouble", "/", "overview.html", at("/"), pictured=True),
    *(
        Page(f"held-{door}", "/held/{hold_id}", "held.html", at(f"/held/{{hold {door}}}"))
        for door in ("import", "scim", "hr", "bulk")
    ),
    Page("held-sweep", "/held/{hold_id}", "held.html", at("/held/sweep")),
    Page("held-auditor", "/held/{hold_id}", "held.html", at("/held/{hold import}"), who="auditor"),
    Page("server-away", "/server", "server.html", checked),
    Page(
        "offboarding-open",
        "/people/{user_id}/offboardings/{offboarding_id}",
        "people/evidence.html",
        at("/people/{long}/offboardings/{overdue}"),
    ),
    Page("group-waits", "/groups/{group_id}", "group.html", at("/groups/{wide}")),
    Page("reach-away", "/people/{user_id}/reach", "people/reach.html", at("/people/{mara}/reach")),
    Page("nowhere", ANYWHERE, "error.html", at("/gibt-es-nicht"), who="nobody", status=404, pictured=False),
)
