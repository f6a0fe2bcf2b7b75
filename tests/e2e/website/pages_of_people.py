"""The pages about people, and how one gets to each."""

from tests.e2e.website.tour import Page, Tour, at

ONE = "/people/{user_id}"


async def nobody_entered(tour: Tour) -> None:
    await tour.go("/people/new")
    await tour.press("main form .actions button")


async def everything_loaded(tour: Tour) -> None:
    await tour.go("/people/{mara}")
    await tour.tab.locator("[hx-get$='/reach'] dl").wait_for()


async def changed_meanwhile(tour: Tour) -> None:
    await tour.go("/people/{long}/edit")
    other = {"de": "Objekt 12", "en": "Objekt 13"}[tour.light.language]
    await tour.town.called("PATCH", f"/users/{tour.town.known['long']}", {"attributes": {"site": [other, "Lager 2"]}})
    await tour.press("main form .actions button")


async def without_a_reason(tour: Tour) -> None:
    await tour.go("/people/{mara}/off-board")
    await tour.press("main form .actions button")


async def somebody_else_named(tour: Tour) -> None:
    await tour.go("/people/{mara}/erase")
    await tour.tab.locator("#name").fill("Maria Berger")
    await tour.press("main form .actions button")


async def link_made(tour: Tour) -> None:
    await tour.go("/people/{long}/access")
    await tour.press("main form .actions button")


async def no_link_for_the_barred(tour: Tour) -> None:
    await tour.go("/people/{barred}/access")
    await tour.press("main form .actions button")


async def own_role_dropped(tour: Tour) -> None:
    await tour.go("/people/{me}/roles")
    await tour.tab.locator("[name=role][value=admin]").uncheck()
    await tour.press("main form .actions button")


PEOPLE = (
    Page("people", "/people", "people/list.html", at("/people")),
    Page("people-not-found", "/people", "people/list.html", at("/people?q=Niemand")),
    Page("people-empty", "/people", "people/list.html", at("/people"), who="empty"),
    Page("person-new", "/people/new", "people/new.html", at("/people/new")),
    Page("person-wrong", "/people/new", "people/new.html", nobody_entered, status=422),
    Page("person", ONE, "people/person.html", everything_loaded),
    Page("person-long", ONE, "people/person.html", at("/people/{long}")),
    Page("person-left", ONE, "people/person.html", at("/people/{left}")),
    Page("reach", f"{ONE}/reach", "people/reach.html", at("/people/{mara}/reach")),
    Page("person-edit", f"{ONE}/edit", "people/edit.html", at("/people/{mara}/edit")),
    Page("person-conflict", f"{ONE}/edit", "people/edit.html", changed_meanwhile, status=409),
    Page("off-board", f"{ONE}/off-board", "people/off_board.html", at("/people/{mara}/off-board")),
    Page(
        "off-board-wrong",
        f"{ONE}/off-board",
        "people/off_board.html",
        without_a_reason,
        status=422,
    ),
    Page("pause", f"{ONE}/pause", "people/pause.html", at("/people/{long}/pause")),
    Page("take-back", f"{ONE}/take-back", "people/take_back.html", at("/people/{away}/take-back")),
    Page("erase", f"{ONE}/erase", "people/erase.html", somebody_else_named, status=422),
    Page("set-up-access", f"{ONE}/access", "people/set_up.html", at("/people/{mara}/access")),
    Page("access", f"{ONE}/access", "people/access.html", link_made),
    Page(
        "no-access",
        f"{ONE}/access",
        "people/no_access.html",
        no_link_for_the_barred,
        status=409,
    ),
    Page("roles", f"{ONE}/roles", "people/roles.html", at("/people/{mara}/roles")),
    Page("roles-own", f"{ONE}/roles", "people/roles.html", own_role_dropped, status=409),
    Page(
        "offboarding",
        ONE + "/offboardings/{offboarding_id}",
        "people/evidence.html",
        at("/people/{left}/offboardings/{offboarding}"),
        pictured=False,  # test_story_people has one with the times of a real server
    ),
    Page("photo", f"{ONE}/photo/edit", "people/photo.html", at("/people/{mara}/photo/edit")),
    Page("photo-none", f"{ONE}/photo/edit", "people/photo.html", at("/people/{long}/photo/edit")),
)
