"""What is acceptable about a person before they are in the directory."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kleanxmpp import drafts, errors, users
from kleanxmpp.testing import MemoryDirectory
from tests.factories import a_company

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("username", ["klean", "Klean-API", "klean-api"])
def test_nobody_gets_a_username_that_looks_like_the_program(username: str) -> None:
    with pytest.raises(errors.Invalid, match="reserved") as refused:
        drafts.checked_username(username)
    assert refused.value.field == "username"


async def test_a_generated_username_is_never_a_reserved_one() -> None:
    directory, company = MemoryDirectory(), a_company()
    async with directory.write(company.id) as tx:
        await tx.save_company(company)
    user = await users.add_user(directory, company, drafts.NewUser(display_name="Klean"), actor="test", now=NOW)
    assert user.username == "klean2"
    assert user.display_name == "Klean"


@pytest.mark.parametrize("username", ["klean-doctor-who", "Klean-Doctor-1", "klean-doctor-"])
async def test_nobody_gets_a_username_that_a_checkup_would_take_for_its_own(username: str) -> None:
    directory, company = MemoryDirectory(), a_company()
    async with directory.write(company.id) as tx:
        await tx.save_company(company)
    new = drafts.NewUser(display_name="Anna", username=username)
    with pytest.raises(errors.Invalid, match="reserved for checkups") as refused:
        await users.add_user(directory, company, new, actor="test", now=NOW)
    assert refused.value.field == "username"
    synthetic = await users.add_user(directory, company, replace(new, synthetic=True), actor="doctor", now=NOW)
    assert synthetic.username == username.lower()


async def test_a_generated_username_is_never_one_of_a_checkup() -> None:
    directory, company = MemoryDirectory(), a_company()
    async with directory.write(company.id) as tx:
        await tx.save_company(company)
    people = [
        await users.add_user(directory, company, drafts.NewUser(display_name=name), actor="test", now=NOW)
        for name in ("Klean-Doctor-Who", "klean-doctor- who")
    ]
    assert [one.username for one in people if one.username.startswith(drafts.SYNTHETIC_PREFIX)] == []


@pytest.mark.parametrize("name", ["", "   ", "a" * 201, "Anna\x00", "An\u202ena"])
def test_display_names_are_printable_and_of_a_sensible_length(name: str) -> None:
    with pytest.raises(errors.Invalid):
        drafts.checked_name(name)


def test_white_space_in_a_name_is_one_space() -> None:
    assert drafts.checked_name(" Anna \n Groß ") == "Anna Groß"
