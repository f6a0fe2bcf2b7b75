"""The pages about groups, and how one gets to each."""

from tests.e2e.website.tour import Page, Tour, at

ONE = "/groups/{group_id}"
RULE = 'site = "Objekt 12" and not department = "Grundreinigung"'


async def name_taken(tour: Tour) -> None:
    await tour.go("/groups/new")
    await tour.tab.locator("#name").fill("Glasreinigung Innenstadt")
    await tour.press("main form .actions button")


async def renamed_meanwhile(tour: Tour) -> None:
    await tour.go("/groups/{bare}/edit")
    await tour.town.called(
        "PATCH", f"/groups/{tour.town.known['bare']}", {"description": f"Anders ({tour.light.language})"}
    )
    await tour.press("main form .actions button")


async def pasted(tour: Tour, text: str = "Gloria Glanz\nJörg Groß") -> None:
    await tour.go("/groups/{bare}/circle")
    await tour.tab.locator("details", has=tour.tab.locator("#pasted")).locator("summary").click()
    await tour.tab.locator("#pasted").fill(text)
    await tour.tab.locator("button[value=paste]").click()
    await tour.tab.locator("#editor .notice").first.wait_for()


async def everything_asked_of_the_editor(tour: Tour) -> None:
    await tour.go("/groups/{bare}/circle")
    await tour.tab.locator("details summary").last.click()
    await tour.tab.locator("button[value=places]").click()
    await tour.tab.locator("#editor:not(.htmx-added) select#place").wait_for()  # else nobody listens to what is typed
    await tour.tab.locator("#q").fill("Maxi")
    await tour.tab.locator("#found li").first.wait_for()


async def half_understood(tour: Tour) -> None:
    await pasted(tour, "Gloria Glanz\nPetra Müller\nNiemand Nirgends")


async def previewed(tour: Tour) -> None:
    await pasted(tour)
    await tour.press("button[value=preview]")


async def changed_meanwhile(tour: Tour) -> None:
    await pasted(tour)
    path, gone = f"/groups/{tour.town.known['bare']}/members", tour.light.language == "en"
    members = [] if gone else [{"user_id": tour.town.known["mara"]}, {"user_id": tour.town.known["long"]}]
    await tour.town.called("PUT", path, {"members": members})
    await tour.press("button[value=preview]")


async def tried(tour: Tour) -> None:
    await tour.go("/groups/{wide}/rule")
    await tour.tab.locator("#rule").fill(RULE)
    await tour.press("button[value=preview]")


async def not_understood(tour: Tour) -> None:
    await tour.go("/groups/{bare}/rule")
    await tour.tab.locator("#rule").fill("site = Nord")
    await tour.press("button[value=preview]")


GROUPS = (
    Page("groups", "/groups", "groups.html", at("/groups")),
    Page("groups-not-found", "/groups", "groups.html", at("/groups?q=Nirgends")),
    Page("groups-empty", "/groups", "groups.html", at("/groups"), who="empty"),
    Page("group-new", "/groups/new", "group_form.html", at("/groups/new")),
    Page("group-name-taken", "/groups/new", "group_form.html", name_taken, status=422),
    Page("group", ONE, "group.html", at("/groups/{group}")),
    Page("group-by-rule", ONE, "group.html", at("/groups/{wide}")),
    Page("group-bare", ONE, "group.html", at("/groups/{bare}")),
    Page("group-edit", f"{ONE}/edit", "group_form.html", at("/groups/{group}/edit")),
    Page("group-conflict", f"{ONE}/edit", "group_form.html", renamed_meanwhile, status=409),
    Page("group-delete", f"{ONE}/delete", "group_delete.html", at("/groups/{wide}/delete")),
    Page("circle", f"{ONE}/circle", "circle.html", everything_asked_of_the_editor),
    Page("circle-pasted", f"{ONE}/circle", "circle.html", half_understood, pictured=True),
    Page("circle-of-rule", f"{ONE}/circle", "circle.html", at("/groups/{wide}/circle")),
    Page("circle-preview", f"{ONE}/circle", "circle_preview.html", previewed),
    Page(
        "circle-conflict",
        f"{ONE}/circle",
        "circle_conflict.html",
        changed_meanwhile,
        status=409,
    ),
    Page("rule", f"{ONE}/rule", "group_rule.html", tried),
    Page("rule-wrong", f"{ONE}/rule", "group_rule.html", not_understood, status=422),
    Page("why", ONE + "/why/{user_id}", "group_why.html", at("/groups/{wide}/why/{long}")),
    Page("group-archive", f"{ONE}/archive", "group_archive.html", at("/groups/{group}/archive")),
    Page("group-bring-back", f"{ONE}/archive", "group_archive.html", at("/groups/{over}/archive")),
    Page("group-archived", ONE, "group.html", at("/groups/{over}")),
    Page("groups-archived", "/groups", "groups.html", at("/groups?show=archived")),
)
