"""Request bodies as Entra and Okta send them, replayed: each shape has the effect it is meant to have."""

import pytest

from tests.integration.admin_api.desk import EVERYWHERE
from tests.integration.scim.client import ENTERPRISE, Scim, recorded

DEACTIVATIONS = [
    ("PATCH", "entra_default_deactivate"),
    ("PATCH", "entra_optscim_deactivate"),
    ("PATCH", "okta_oin_deactivate"),
    ("PUT", "okta_aiw_deactivate"),
]


async def frank(scim: Scim, provider: str = "okta") -> str:
    placeholders = {"manager": (await scim.person("boss@firma.test"))["id"]} if provider == "entra" else {}
    created = await scim.call("POST", "/Users", recorded(f"{provider}_create_user", **placeholders), expect=201)
    return str(created.body["id"])


@EVERYWHERE
@pytest.mark.parametrize(("method", "body"), DEACTIVATIONS)
async def test_every_shape_of_deactivate_off_boards_through_the_one_engine(scim: Scim, method: str, body: str) -> None:
    user_id = await frank(scim)
    team = await scim.group("Team", user_id)
    placeholders = {"id": user_id} if method == "PUT" else {}
    answer = await scim.call(method, f"/Users/{user_id}", recorded(body, **placeholders), expect=200)
    assert answer.body["active"] is False
    (offboarding,) = (await scim.desk.call("GET", f"/users/{user_id}/offboardings")).body["items"]
    assert (offboarding["mode"], offboarding["reason"], offboarding["completed_at"]) == ("left", "SCIM", None)
    assert offboarding["actor"].startswith("token:")
    assert (await scim.read(f"/Users/{user_id}"))["active"] is False
    assert await scim.members(team["id"]) == {user_id}
    async with scim.desk.working():
        proven = await scim.desk.until(
            f"/users/{user_id}/offboardings", lambda answer: answer.body["items"][0]["completed_at"] is not None
        )
    assert all(line["closed"] for line in proven.body["items"][0]["evidence"])


@pytest.mark.parametrize("provider", ["entra", "okta"])
async def test_people_come_in_as_each_provider_sends_them(scim: Scim, provider: str) -> None:
    user = await scim.read(f"/Users/{await frank(scim, provider)}")
    assert (user["active"], user["displayName"], user["name"]["familyName"]) == (True, "Frank Grün", "Grün")
    assert user["userName"].lower() == "frank.gruen@firma.test"
    assert "password" not in user
    ours = (await scim.desk.call("GET", f"/users/{user['id']}")).body
    assert (ours["username"], ours["email"], ours["locale"]) == ("frank.gruen", user["emails"][0]["value"], "de")
    assert ours["external_id"] == user["externalId"]
    if provider == "entra":
        manager = user[ENTERPRISE]["manager"]["value"]
        assert ours["attributes"] == {
            "department": ["Nord"],
            "employee_number": ["4711"],
            "manager": [manager],
            "role": ["Reinigung"],
        }
        assert user["phoneNumbers"] == [{"primary": True, "type": "work", "value": "+49 (0)40 / 123-45"}]


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", "entra_default_change"),
        ("PATCH", "entra_optscim_change"),
        ("PUT", "okta_oin_change"),
        ("PUT", "okta_aiw_change"),
    ],
)
async def test_every_shape_of_a_change_reaches_the_directory(scim: Scim, method: str, body: str) -> None:
    user_id, boss = await frank(scim), (await scim.person("boss@firma.test"))["id"]
    first = {"op": "add", "path": f"{ENTERPRISE}:department", "value": "Nord"}
    await scim.patch(f"/Users/{user_id}", first, expect=200)
    placeholders = {"id": user_id} if method == "PUT" else {"manager": boss}
    await scim.call(method, f"/Users/{user_id}", recorded(body, **placeholders), expect=200)
    ours = (await scim.desk.call("GET", f"/users/{user_id}")).body
    assert (ours["display_name"], ours["attributes"]["employee_number"]) == ("Frank Groß", ["4712"])
    assert ours["username"] == "frank.gruen", "the address on the server never changes"
    if method == "PATCH":
        assert (ours["email"], ours["attributes"]["manager"]) == ("frank.gross@firma.test", [boss])
    department = None if body == "okta_aiw_change" else ["Süd"]
    assert ours["attributes"].get("department") == department, "what a PUT leaves out, and SCIM had said, goes"


@EVERYWHERE
@pytest.mark.parametrize(
    ("method", "body", "stays"),
    [
        ("PATCH", "entra_default_add_member", True),
        ("PATCH", "entra_optscim_add_member", True),
        ("PATCH", "okta_oin_add_member", True),
        ("PATCH", "okta_oin_add_and_remove", False),
        ("PATCH", "okta_oin_replace_members", False),
        ("PUT", "okta_aiw_put_group", False),
    ],
)
async def test_every_shape_of_adding_a_member_adds_just_that_one(
    scim: Scim, method: str, body: str, stays: bool
) -> None:
    user_id, gone = await frank(scim), (await scim.person("gone@firma.test"))["id"]
    group_id = (await scim.group("Frühschicht", gone))["id"]
    sent = recorded(body, **_placeholders(body, id=user_id, gone=gone, group=group_id))
    for _ in range(2):
        await scim.call(method, f"/Groups/{group_id}", sent, expect=204 if method == "PATCH" else 200)
        assert await scim.members(group_id) == ({user_id, gone} if stays else {user_id})


@pytest.mark.parametrize("body", ["entra_default_remove_member", "entra_optscim_remove_member"])
async def test_every_shape_of_removing_a_member_removes_just_that_one(scim: Scim, body: str) -> None:
    user_id, other = await frank(scim), (await scim.person("other@firma.test"))["id"]
    group_id = (await scim.group("Frühschicht", user_id, other))["id"]
    for _ in range(2):
        await scim.call("PATCH", f"/Groups/{group_id}", recorded(body, id=user_id), expect=204)
        assert await scim.members(group_id) == {other}


@pytest.mark.parametrize("provider", ["entra", "okta"])
async def test_groups_are_created_empty(scim: Scim, provider: str) -> None:
    created = await scim.call("POST", "/Groups", recorded(f"{provider}_create_group"), expect=201)
    assert (created.body["displayName"], created.body.get("members")) == ("Frühschicht", None)


@pytest.mark.parametrize("body", ["entra_default_rename_group", "okta_oin_rename_group", "okta_aiw_rename_group"])
async def test_every_shape_of_renaming_a_group_keeps_its_circle(scim: Scim, body: str) -> None:
    member = (await scim.person("gone@firma.test"))["id"]
    group_id = (await scim.group("Frühschicht", member))["id"]
    sent = recorded(body, **_placeholders(body, gone=member, group=group_id))
    await scim.call("PUT" if "aiw" in body else "PATCH", f"/Groups/{group_id}", sent)
    assert (await scim.read(f"/Groups/{group_id}"))["displayName"] == "Spätschicht"
    assert await scim.members(group_id) == {member}


def _placeholders(body: str, **ids: str) -> dict[str, str]:
    """Return those that occur in the body."""
    text = recorded(body, **{name: f"<{name}>" for name in ("id", "gone", "group", "manager")}).decode()
    return {name: value for name, value in ids.items() if f"<{name}>" in text}
