"""What the directory's photo means on the server: it is set, put back and taken away, and only its hash is compared."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleanxmpp import changes, companies, errors, photos, users
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.due import Aspect
from kleanxmpp.model import Mode, User
from kleanxmpp.offboardings import scope_of
from tests.integration.test_reconcile import Work
from tests.photos import a_picture
from tests.sqlite import migrated_database

RED, BLUE = a_picture(), a_picture(colours=((0, 0, 200), (0, 0, 200)))


@pytest.fixture
async def work(tmp_path: Path) -> AsyncIterator[Work]:
    directory = SqlDirectory(await migrated_database(tmp_path / "directory.db"))
    work = Work(directory, None)  # type: ignore[arg-type]  # made on the next line, by the same clock
    work.company = await companies.add_company(
        directory, domain="glanz.test", name="Glanz & Gloria", actor="test", now=work.now
    )
    yield work
    await directory.close()


async def give(work: Work, user: User, content: bytes = RED) -> str:
    after = await photos.set_photo(work.directory, work.company, user.id, content, actor="test", now=work.now)
    assert after.photo_sha1 is not None
    return after.photo_sha1


def shown(work: Work) -> dict[str, str]:
    return work.server.holdings(work.company).photos


def applied(work: Work) -> list[changes.SetPhoto]:
    return [change for change in work.server.applied if isinstance(change, changes.SetPhoto)]


async def test_a_photo_of_the_directory_is_shown_changed_and_taken_away(work: Work) -> None:
    anna, ben = await work.person("Anna Groß"), await work.person("Ben Öz")
    async with work.loop():
        await work.settled()
        assert not applied(work), "who has no photo costs nothing"
        for content in (RED, BLUE):
            sha1 = await give(work, anna, content)
            await work.settled()
            assert shown(work) == {"anna.gross": sha1}
        photo = applied(work)[-1].photo
        assert photo is not None and photo.sha1 == sha1, "the bytes came with the change"
        await photos.remove_photo(work.directory, work.company, anna.id, actor="test", now=work.now)
        await work.settled()
        assert shown(work)["anna.gross"] == "" and ben.username not in shown(work)


async def test_every_write_marks_the_persons_names_and_photo_in_the_same_transaction(work: Work) -> None:
    anna = await work.person("Anna Groß")
    async with work.loop():
        await work.settled()
    for step in (give(work, anna), photos.remove_photo(work.directory, work.company, anna.id, actor="t", now=work.now)):
        await step
        async with work.directory.write(work.company.id) as tx:
            due = await tx.due(scope_of(anna))
            assert due is not None and due.aspects == Aspect.PROFILE
            await tx.finish_due([due])


async def test_the_same_picture_again_changes_nothing(work: Work) -> None:
    anna = await work.person("Anna Groß")
    first = await photos.set_photo(work.directory, work.company, anna.id, RED, actor="test", now=work.now)
    assert await photos.set_photo(work.directory, work.company, anna.id, RED, actor="test", now=work.now) == first
    without = await photos.remove_photo(work.directory, work.company, anna.id, actor="test", now=work.now)
    assert await photos.remove_photo(work.directory, work.company, anna.id, actor="test", now=work.now) == without
    assert (first.version, without.version) == (2, 3)


async def test_what_somebody_wrote_over_a_photo_is_found_by_a_sweep_and_put_back(work: Work) -> None:
    anna = await work.person("Anna Groß")
    sha1 = await give(work, anna)
    async with work.loop() as reconciler:
        await work.settled()
        before = len(applied(work))
        await reconciler.sweep_now(work.company)
        await work.settled()
        assert len(applied(work)) == before, "as long as the hash is right nothing is sent"
        shown(work)["anna.gross"] = "lost"
        report = await reconciler.sweep_now(work.company)
        assert [step for drift in report.drift for step in drift.plan] == [
            changes.SetPhoto(username="anna.gross", sha1=sha1)
        ]
        await work.settled()
        assert shown(work) == {"anna.gross": sha1}


async def test_a_leaver_is_not_looked_at_and_erasing_clears_the_photo(work: Work) -> None:
    anna = await work.person("Anna Groß")
    first = await give(work, anna)
    async with work.loop():
        await work.settled()
        await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
        second = await give(work, anna, BLUE)
        await work.settled()
        assert shown(work) == {"anna.gross": first}
        await users.reactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
        assert shown(work) == {"anna.gross": second}
        await users.erase(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
    assert shown(work) == {}
    async with work.directory.read() as tx:
        assert await tx.user(work.company.id, anna.id) is None
        assert await tx.photo(work.company.id, anna.id) is None


async def test_somebody_who_is_paused_keeps_the_photo(work: Work) -> None:
    anna = await work.person("Anna Groß")
    async with work.loop():
        await work.settled()
        paused = users.Departure(mode=Mode.PAUSED)
        said = {"departure": paused, "actor": "test", "reason": None, "now": work.now}
        await users.deactivate(work.directory, work.company, anna.id, **said)
        sha1 = await give(work, anna)
        await work.settled()
        assert shown(work) == {"anna.gross": sha1}


async def test_what_is_too_large_or_nobodys_is_refused(work: Work) -> None:
    anna = await work.person("Anna Groß")
    with pytest.raises(errors.Invalid, match="5 MB") as refused:
        await give(work, anna, b"\xff\xd8" + bytes(photos.MOST_BYTES))
    assert refused.value.field == "photo"
    with pytest.raises(errors.NotFound):
        await photos.photo_of(work.directory, work.company, anna.id)
    for user_id in ("nobody", "0" * 32):
        with pytest.raises(errors.NotFound):
            await photos.set_photo(work.directory, work.company, user_id, RED, actor="test", now=work.now)
