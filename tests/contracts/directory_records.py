"""Audit log, off-boardings, tokens, repeated requests."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kleanxmpp import audit, chains, errors, ids
from kleanxmpp.model import ApiToken, AuditEntry, ChainHead, Company, Evidence, Offboarding
from kleanxmpp.ports import Directory
from kleanxmpp.record_ports import AuditFilter
from kleanxmpp.token_ports import RememberedAnswer
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_user, saved_users
from tests.factories import AT, a_company, a_user

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def an_entry(company_id: str | None, action: str) -> AuditEntry:
    details = {"fields": ["name"], "put": {"ä": "member"}, "none": None}
    return AuditEntry(company_id=company_id, at=AT, actor="admin", action=action, subject="user:1", details=details)


def unplaced(entry: AuditEntry) -> AuditEntry:
    return replace(entry, id=0, number=0, previous="", hash="")


def an_offboarding(company: Company, user_id: str, **facts: object) -> Offboarding:
    begun = Offboarding(
        id=ids.new_id(), company_id=company.id, user_id=user_id, reason="Kündigung", actor="admin", requested_at=AT
    )
    return replace(begun, **facts)


def a_token(company_id: str | None, **facts: object) -> ApiToken:
    token = ApiToken(
        id=ids.new_id(), company_id=company_id, name="Dashboard", scopes=frozenset({"users", "groups"}), created_at=AT
    )
    return replace(token, **facts)


class RecordsContract(DirectoryBase):
    async def test_a_database_tells_its_clock_and_that_it_is_whole(self, directory: Directory) -> None:
        health = await directory.examine()
        assert abs(health.now - datetime.now(UTC)) < timedelta(seconds=30)
        assert not health.faults

    async def test_the_audit_log_is_paged_newest_first(self, directory: Directory, company: Company) -> None:
        entries = [an_entry(company.id, f"action{number}") for number in range(5)]
        async with directory.write(company.id) as tx:
            await tx.add_audit(entries[:2])
            await tx.add_audit([])
            await tx.add_audit([an_entry(None, "operator"), an_entry("other", "elsewhere"), *entries[2:]])
        async with directory.read() as tx:
            first = await tx.page_audit(company.id, before=None, limit=3)
            rest = await tx.page_audit(company.id, before=first[-1].id, limit=3)
            operators = await tx.page_audit(None, before=None, limit=3)
        assert [unplaced(entry) for entry in [*first, *rest]] == list(reversed(entries))
        assert [unplaced(entry) for entry in operators] == [an_entry(None, "operator")]

    async def test_the_audit_log_is_searched(self, directory: Directory, company: Company) -> None:
        entries = [
            replace(an_entry(company.id, "user.added"), actor="shell:root", subject="user:1"),
            replace(an_entry(company.id, "group.added"), actor="user:1", subject="group:2", at=AT + SECOND),
            replace(an_entry(company.id, "user.added"), actor="shell_root", subject="user:12", at=AT + HOUR),
        ]
        async with directory.write(company.id) as tx:
            await tx.add_audit([*entries, replace(entries[0], company_id="other")])

        async def found(**wanted: Any) -> list[int]:
            async with directory.read() as tx:
                page = await tx.page_audit(company.id, before=None, limit=9, matching=AuditFilter(**wanted))
            return sorted(entries.index(unplaced(one)) for one in page)

        assert await found() == [0, 1, 2]
        assert await found(people=frozenset({"1"})) == [0, 1], "about them, or by them"
        assert await found(people=frozenset()) == []
        assert await found(action="user.added") == [0, 2]
        assert await found(actors=("shell_",)) == [2], "an underscore is an underscore"
        assert await found(actors=("shell:", "user:")) == [0, 1]
        assert await found(actors=()) == []
        assert await found(since=AT + SECOND) == [1, 2]
        assert await found(until=AT + SECOND) == [0]
        assert await found(people=frozenset({"1"}), action="user.added", until=AT + HOUR) == [0]

    async def test_every_company_and_the_operator_have_a_chain_of_their_own(
        self, directory: Directory, company: Company
    ) -> None:
        async with directory.write(company.id) as tx:
            assert await tx.chains() == frozenset()
            assert await tx.chain_head(company.id) is None
            await tx.add_audit([an_entry(None, "one"), an_entry(company.id, "one"), an_entry(None, "two")])
            await tx.add_audit([an_entry(company.id, "two"), an_entry("other", "one")])
        async with directory.read() as tx:
            assert await tx.chains() == {None, company.id, "other"}
            for chain, length in ((None, 2), (company.id, 2), ("other", 1)):
                entries = await tx.page_chain(chain, after=(0, 0), limit=9)
                assert [entry.number for entry in entries] == list(range(1, length + 1))
                assert [entry.previous for entry in entries] == [audit.BEGINNING, *(e.hash for e in entries)][:length]
                assert [entry.hash for entry in entries] == [audit.hash_of(entry) for entry in entries]
                assert await tx.chain_head(chain) == ChainHead(number=length, hash=entries[-1].hash)
                assert (await chains.verify(tx, chain)).intact
                written = await tx.page_written(chain, after=(0, 0), limit=9)
                assert [(one.number, one.id) for one in written] == [(one.number, one.id) for one in entries]
                assert [audit.hash_of_written(one, chain=audit.chain_of(chain)) for one in written] == [
                    entry.hash for entry in entries
                ]
            first, second = await tx.page_chain(company.id, after=(0, 0), limit=9)
            assert await tx.page_chain(company.id, after=(0, 0), limit=1) == [first]
            assert await tx.page_chain(company.id, after=(first.number, first.id), limit=9) == [second]
            assert await tx.page_chain("nobody", after=(0, 0), limit=9) == []
            (written,) = await tx.page_written(company.id, after=(first.number, first.id), limit=1)
            assert (written.id, written.at) == (second.id, audit.moment(second.at))
            assert json.loads(written.details) == second.details
            assert await tx.page_written("nobody", after=(0, 0), limit=9) == []

    async def test_an_addition_that_is_undone_leaves_no_gap(self, directory: Directory, company: Company) -> None:
        with pytest.raises(RuntimeError, match="on purpose"):
            async with directory.write(company.id) as tx:
                await tx.add_audit([an_entry(company.id, "undone")])
                raise RuntimeError("on purpose")
        async with directory.write(company.id) as tx:
            await tx.add_audit([an_entry(company.id, "done")])
            assert await tx.chain_head(company.id) != audit.EMPTY
            (entry,) = await tx.page_chain(company.id, after=(0, 0), limit=9)
        assert (entry.number, entry.action) == (1, "done")

    async def test_additions_at_the_same_time_make_one_unbroken_chain(
        self, directory: Directory, company: Company
    ) -> None:
        async def add(who: int) -> None:
            for number in range(10):
                async with directory.write() as tx:  # nothing but the chain's head orders these
                    await tx.add_audit([an_entry(company.id, f"{who}.{number}"), an_entry(None, f"{who}.{number}")])

        await asyncio.gather(*(add(who) for who in range(6)))
        async with directory.read() as tx:
            for chain in (company.id, None):
                found = await chains.verify(tx, chain)
                assert (found.problems, found.entries, found.head.number) == ([], 60, 60)

    async def test_ten_thousand_additions_at_once_are_one_chain(self, directory: Directory, company: Company) -> None:
        async with directory.write(company.id) as tx:
            await tx.add_audit([an_entry(company.id, f"action{number}") for number in range(10_000)])
            found = await chains.verify(tx, company.id)
        assert (found.problems, found.entries) == ([], 10_000)

    @pytest.mark.parametrize("details", [{"share": 0.5}, {"at": AT}, {1: "one"}, {"inner": [{"deep": {1.5}}]}])
    async def test_details_without_one_form_are_refused(
        self, directory: Directory, company: Company, details: dict[str, object]
    ) -> None:
        with pytest.raises(TypeError, match="audit entry's details"):
            async with directory.write(company.id) as tx:
                await tx.add_audit([replace(an_entry(company.id, "odd"), details=details)])

    async def test_a_reason_that_cannot_be_stored_is_refused(self, directory: Directory, company: Company) -> None:
        async with directory.write(company.id) as tx:
            with pytest.raises(errors.Invalid):
                await tx.add_audit([an_entry(company.id, "fine"), replace(an_entry(company.id, "a"), reason="\ud800")])
            await tx.add_audit([an_entry(company.id, "next")])
            assert (await chains.verify(tx, company.id)).intact

    async def test_an_offboarding_is_open_until_completed_or_cancelled(
        self, directory: Directory, company: Company
    ) -> None:
        begun = an_offboarding(company, "u1")
        lines = (
            Evidence(item="sessions", found=3, done=3, left=0, closed=True, milliseconds=120),
            Evidence(item="push", found=None, done=0, left=None, closed=None, milliseconds=121),
        )
        done = replace(begun, completed_at=AT + SECOND, evidence=lines)
        async with directory.write(company.id) as tx:
            assert await tx.open_offboarding("u1") is None
            await tx.add_offboardings([begun])
            assert await tx.open_offboarding("u1") == begun
            await tx.save_offboardings([done])
            assert await tx.open_offboarding("u1") is None
            assert await tx.offboarding(company.id, begun.id) == done
            assert await tx.offboarding("other", begun.id) is None
            cancelled = an_offboarding(company, "u1", cancelled_at=AT, requested_at=AT + SECOND)
            await tx.add_offboardings([cancelled])
            assert await tx.open_offboarding("u1") is None
            assert await tx.page_offboardings(company.id, "u1", limit=9) == [cancelled, done]
            assert await tx.page_offboardings(company.id, "u1", limit=1) == [cancelled]
            assert await tx.page_offboardings(company.id, "u2", limit=9) == []
            assert await tx.page_offboardings("other", "u1", limit=9) == []

    async def test_open_offboardings_are_found_for_many_people_at_once(
        self, directory: Directory, company: Company
    ) -> None:
        later, first = an_offboarding(company, "u1", requested_at=AT + SECOND), an_offboarding(company, "u2")
        closed = an_offboarding(company, "u3", cancelled_at=AT)
        async with directory.write(company.id) as tx:
            await tx.add_offboardings([])
            await tx.add_offboardings([later, first, closed])
            assert await tx.open_offboardings(company.id) == [first, later]
            assert await tx.open_offboardings(company.id, ["u1", "u3", "nobody"]) == [later]
            assert await tx.open_offboardings(company.id, []) == []
            assert await tx.open_offboardings("other") == []

    async def test_many_offboardings_are_saved_and_found_at_once(self, directory: Directory, company: Company) -> None:
        several = [an_offboarding(company, f"u{number}") for number in range(3)]
        line = Evidence(item="gate", found=1, done=1, left=0, closed=True, milliseconds=9)
        done = [replace(one, completed_at=AT + SECOND, evidence=(line,)) for one in several[:2]]
        unknown = an_offboarding(company, "u9")
        async with directory.write(company.id) as tx:
            await tx.add_offboardings(several)
            await tx.save_offboardings([*done, unknown])
            await tx.save_offboardings([])
            ids = [one.id for one in several]
            expected = {one.id: one for one in (*done, several[2])}
            assert await tx.offboardings_by_id(company.id, [*ids, unknown.id]) == expected
            assert await tx.offboardings_by_id("other", ids) == {}
            assert await tx.offboardings_by_id(company.id, []) == {}

    async def test_the_newest_offboarding_of_many_people_is_found(self, directory: Directory, company: Company) -> None:
        older = an_offboarding(company, "u1", completed_at=AT)
        newer = an_offboarding(company, "u1", requested_at=AT + SECOND, cancelled_at=AT + SECOND)
        other = an_offboarding(company, "u2")
        async with directory.write(company.id) as tx:
            await tx.add_offboardings([newer, older, other])
            assert await tx.newest_offboardings(company.id, ["u1", "u3"]) == {"u1": newer}
            assert await tx.newest_offboardings(company.id, ["u1", "u2"]) == {"u1": newer, "u2": other}
            assert await tx.newest_offboardings("other", ["u1"]) == {}
            assert await tx.newest_offboardings(company.id, []) == {}

    async def test_evidence_survives_the_person(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        begun = an_offboarding(company, user.id)
        async with directory.write(company.id) as tx:
            await tx.add_offboardings([begun])
            await tx.delete_user(company.id, user.id)
            assert await tx.offboarding(company.id, begun.id) == begun

    async def test_tokens_belong_to_one_company_or_the_operator(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        mine, operators = a_token(company.id), a_token(None, scopes=frozenset())
        async with directory.write() as tx:
            await tx.add_token(mine, token_sha256="aa")
            await tx.add_token(operators, token_sha256="bb")
            assert await tx.token_by_hash("aa") == mine
            assert await tx.token_by_hash("cc") is None
            assert await tx.tokens(company.id) == [mine]
            assert await tx.tokens(None) == [operators]
            assert await tx.tokens(other.id) == []
            assert not await tx.delete_token(other.id, mine.id)
            assert not await tx.delete_token(None, mine.id)
            assert await tx.delete_token(company.id, mine.id)
            assert not await tx.delete_token(company.id, mine.id)
            assert await tx.token_by_hash("aa") is None
            with pytest.raises(errors.Conflict):
                await tx.add_token(a_token(None), token_sha256="bb")

    async def test_a_key_is_claimed_once_until_it_is_given_back_or_abandoned(self, directory: Directory) -> None:
        async def claim(at: datetime) -> RememberedAnswer | None:
            async with directory.write() as tx:
                return await tx.claim_answer(
                    token_id="t", key="k", fingerprint="f", at=at, abandoned_before=at - 10 * SECOND
                )

        assert sorted(map(str, await asyncio.gather(claim(AT), claim(AT)))) == [
            "None",
            str(RememberedAnswer(fingerprint="f")),
        ]
        assert await claim(AT + 10 * SECOND) is not None
        assert await claim(AT + 11 * SECOND) is None
        async with directory.write() as tx:
            await tx.forget_claim(token_id="t", key="k")
        assert await claim(AT + 12 * SECOND) is None

    async def test_an_answer_is_kept_and_forgotten_in_time(self, directory: Directory) -> None:
        async def known(token_id: str) -> RememberedAnswer | None:
            async with directory.write() as tx:
                return await tx.claim_answer(
                    token_id=token_id, key="k", fingerprint="g", at=AT + HOUR, abandoned_before=AT + HOUR
                )

        answer = RememberedAnswer(fingerprint="f", status=201, body='{"id": "ä"}')
        async with directory.write() as tx:
            await tx.claim_answer(token_id="t", key="k", fingerprint="f", at=AT, abandoned_before=AT)
            await tx.remember(token_id="t", key="k", answer=answer, at=AT)
            await tx.remember(token_id="other", key="k", answer=answer, at=AT + SECOND)
        assert await known("t") == answer
        async with directory.write() as tx:
            await tx.forget_remembered(before=AT + SECOND)
        assert await known("t") is None
        assert await known("other") == answer

    async def test_an_answer_about_a_person_goes_with_the_person(self, directory: Directory) -> None:
        company = await saved_company(directory, a_company())
        user, other = a_user(company), a_user(company)
        await saved_users(directory, user, other)
        async with directory.write() as tx:
            for about in (user.id, other.id):
                answer = RememberedAnswer(fingerprint="f", status=201, body="{}", about=about)
                await tx.remember(token_id=about, key="k", answer=answer, at=AT)
            await tx.delete_user(company.id, user.id)
            left = [
                await tx.claim_answer(token_id=about, key="k", fingerprint="f", at=AT, abandoned_before=AT)
                for about in (user.id, other.id)
            ]
        assert left[0] is None
        assert left[1] is not None and left[1].about == other.id
