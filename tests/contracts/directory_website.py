"""The website's part of a directory: roles, signed-in browsers, links, attempts to sign in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kleanxmpp import errors, ids
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from kleanxmpp.website_ports import (
    LinkPurpose,
    OneTimeLink,
    SignInAttempt,
    StaffRole,
    WebAccess,
    WebSession,
)
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_user
from tests.factories import AT, a_company, a_credential

HOUR = timedelta(hours=1)


def a_session(company: Company, user_id: str | None, **facts: object) -> WebSession:
    given = {"csrf": "c", "created_at": AT, "seen_at": AT, "expires_at": AT + HOUR} | facts
    return WebSession(id=ids.new_id(), company_id=company.id, user_id=user_id, **given)


def a_link(company: Company, user_id: str | None, **facts: object) -> OneTimeLink:
    given = {"purpose": LinkPurpose.JOIN, "uses_left": 2, "created_at": AT, "expires_at": AT + HOUR} | facts
    return OneTimeLink(id=ids.new_id(), company_id=company.id, user_id=user_id, created_by="test", **given)


def an_attempt(company: Company, state: str, **facts: object) -> SignInAttempt:
    given = {"nonce": "n", "verifier": "v", "return_to": "/", "created_at": AT} | facts
    return SignInAttempt(state_sha256=state, company_id=company.id, **given)


class WebsiteContract(DirectoryBase):
    async def test_roles_are_replaced_and_go_with_the_person(self, directory: Directory, company: Company) -> None:
        anna, ben = await saved_user(directory, company), await saved_user(directory, company)
        stranger = await saved_user(directory, await saved_company(directory, a_company()))
        async with directory.write(company.id) as tx:
            await tx.save_staff_roles(company.id, anna.id, frozenset({StaffRole.HR, StaffRole.AUDITOR}))
            await tx.save_staff_roles(company.id, anna.id, frozenset({StaffRole.HR, StaffRole.ADMIN}))
            await tx.save_staff_roles(company.id, ben.id, frozenset({StaffRole.GROUP_LEAD}))
            with pytest.raises(errors.NotFound):
                await tx.save_staff_roles(company.id, stranger.id, frozenset({StaffRole.ADMIN}))
        async with directory.write(company.id) as tx:
            assert await tx.staff_roles(company.id) == {
                anna.id: {StaffRole.HR, StaffRole.ADMIN},
                ben.id: {StaffRole.GROUP_LEAD},
            }
            assert await tx.staff_roles(stranger.company_id) == {}
            await tx.save_staff_roles(company.id, ben.id, frozenset())
            await tx.delete_user(company.id, anna.id)
            assert await tx.staff_roles(company.id) == {}
            assert await tx.staff_roles_of(anna.id) == frozenset()

    async def test_a_session_is_found_by_its_token_until_it_is_deleted(
        self, directory: Directory, company: Company
    ) -> None:
        other = await saved_company(directory, a_company())
        anna = await saved_user(directory, company)
        early = a_session(company, anna.id, chat_only=True)
        late = a_session(company, anna.id, created_at=AT + HOUR)
        nobody = a_session(company, None, roles=frozenset({StaffRole.ADMIN}))
        async with directory.write(company.id) as tx:
            for one in (early, late, nobody):
                await tx.add_web_session(one, token_sha256=one.id)
            with pytest.raises(errors.Conflict):
                await tx.add_web_session(a_session(company, None), token_sha256=early.id)
            with pytest.raises(errors.NotFound):
                await tx.add_web_session(a_session(other, anna.id), token_sha256="x")
            await tx.see_web_session(early.id, at=AT + HOUR)
        async with directory.write(company.id) as tx:
            assert await tx.web_session(early.id) == replace(early, seen_at=AT + HOUR)
            assert await tx.web_session(nobody.id) == nobody
            assert await tx.web_session("y") is None
            assert [one.id for one in await tx.web_sessions(company.id, anna.id)] == [late.id, early.id]
            assert await tx.web_sessions(company.id, None) == [nobody]
            assert await tx.web_sessions(other.id, anna.id) == []
            assert not await tx.delete_web_session(other.id, late.id)
            assert await tx.delete_web_session(company.id, late.id)
            assert not await tx.delete_web_session(company.id, late.id)
            assert await tx.web_session(late.id) is None

    async def test_a_session_takes_its_credentials_with_it(self, directory: Directory, company: Company) -> None:
        anna = await saved_user(directory, company)
        session = a_session(company, anna.id)
        browser, phone = a_credential(anna, web_session_id=session.id), a_credential(anna)
        async with directory.write(company.id) as tx:
            await tx.add_web_session(session, token_sha256="t")
            await tx.add_credentials([browser, phone])
            await tx.delete_web_session(company.id, session.id)
        async with directory.read() as tx:
            assert await tx.credentials(anna.id) == [phone[0]]

    async def test_a_credential_that_has_ended_lets_nobody_in(self, directory: Directory, company: Company) -> None:
        anna = await saved_user(directory, company)
        now = datetime.now(UTC)
        ended, holds = (a_credential(anna, expires_at=now + (-HOUR, HOUR)[later]) for later in (False, True))
        async with directory.write(company.id) as tx:
            await tx.add_credentials([ended, holds])
        async with directory.read() as tx:
            assert not await tx.may_log_in(company.domain, anna.username, ended[1])
            assert await tx.may_log_in(company.domain, anna.username, holds[1])

    async def test_a_link_is_used_up_and_ends(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        anna = await saved_user(directory, company)
        link, brief = a_link(company, anna.id), a_link(company, anna.id, expires_at=AT, created_at=AT - HOUR)
        for_nobody = a_link(company, None, purpose=LinkPurpose.SIGN_IN, roles=frozenset({StaffRole.ADMIN}))
        async with directory.write(company.id) as tx:
            for one in (link, brief, for_nobody):
                await tx.add_one_time_link(one, code_sha256=one.id)
            with pytest.raises(errors.Conflict):
                await tx.add_one_time_link(a_link(company, None), code_sha256=link.id)
            with pytest.raises(errors.NotFound):
                await tx.add_one_time_link(a_link(other, anna.id), code_sha256="x")
            assert [await tx.use_one_time_link(link.id, now=AT) for _ in range(3)] == [True, True, False]
            assert not await tx.use_one_time_link(brief.id, now=AT)
            assert not await tx.use_one_time_link("unknown", now=AT)
        async with directory.write(company.id) as tx:
            assert await tx.one_time_link(link.id) == replace(link, uses_left=0)
            assert await tx.one_time_link("y") is None
            assert [one.id for one in await tx.one_time_links(company.id, anna.id)] == [link.id, brief.id]
            assert await tx.one_time_links(company.id, None) == [for_nobody]
            assert not await tx.delete_one_time_link(other.id, link.id)
            assert await tx.delete_one_time_link(company.id, link.id)
            assert not await tx.delete_one_time_link(company.id, link.id)

    async def test_an_attempt_comes_back_once(self, directory: Directory, company: Company) -> None:
        attempt = an_attempt(company, "s")
        async with directory.write() as tx:
            await tx.add_sign_in_attempt(attempt)
            with pytest.raises(errors.Conflict):
                await tx.add_sign_in_attempt(attempt)
        async with directory.write() as tx:
            assert await tx.take_sign_in_attempt("s") == attempt
            assert await tx.take_sign_in_attempt("s") is None

    async def test_whoever_leaves_holds_nothing_of_the_website(self, directory: Directory, company: Company) -> None:
        anna, ben, carl = [await saved_user(directory, company) for _ in range(3)]
        session = a_session(company, anna.id)
        async with directory.write(company.id) as tx:
            await tx.add_web_session(session, token_sha256="a")
            await tx.add_web_session(a_session(company, anna.id), token_sha256="b")
            await tx.add_web_session(a_session(company, ben.id), token_sha256="c")
            await tx.add_one_time_link(a_link(company, anna.id), code_sha256="d")
            await tx.add_one_time_link(a_link(company, None), code_sha256="e")
            await tx.add_credentials([a_credential(anna, web_session_id=session.id)])
        async with directory.write(company.id) as tx:
            everybody = [anna.id, ben.id, carl.id]
            held = {anna.id: WebAccess(sessions=2, links=1), ben.id: WebAccess(sessions=1)}
            assert await tx.web_access(everybody) == held
            assert await tx.end_web_access([anna.id, carl.id]) == {anna.id: held[anna.id]}
            assert await tx.web_access(everybody) == {ben.id: held[ben.id]}
            assert await tx.credentials(anna.id) == []
            assert len(await tx.one_time_links(company.id, None)) == 1
            await tx.delete_user(company.id, ben.id)
            assert await tx.web_access(everybody) == {}

    async def test_what_has_ended_is_forgotten(self, directory: Directory, company: Company) -> None:
        anna = await saved_user(directory, company)
        gone, stays = a_session(company, anna.id, expires_at=AT), a_session(company, anna.id)
        old, new = a_link(company, anna.id, expires_at=AT), a_link(company, anna.id)
        ended, holds, endless = (
            a_credential(anna, expires_at=AT),
            a_credential(anna, expires_at=AT + HOUR),
            a_credential(anna),
        )
        async with directory.write(company.id) as tx:
            for session in (gone, stays):
                await tx.add_web_session(session, token_sha256=session.id)
            for link in (old, new):
                await tx.add_one_time_link(link, code_sha256=link.id)
            await tx.add_credentials([ended, holds, endless])
            await tx.add_sign_in_attempt(an_attempt(company, "old"))
            await tx.add_sign_in_attempt(an_attempt(company, "new", created_at=AT + HOUR))
            later = AT + timedelta(seconds=1)
            await tx.forget_web_access(before=later, attempts_before=later)
        async with directory.write(company.id) as tx:
            assert await tx.web_sessions(company.id, anna.id) == [stays]
            assert await tx.one_time_links(company.id, anna.id) == [new]
            assert {one.id for one in await tx.credentials(anna.id)} == {holds[0].id, endless[0].id}
            assert await tx.take_sign_in_attempt("old") is None
            assert await tx.take_sign_in_attempt("new") is not None
