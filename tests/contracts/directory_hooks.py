"""Signed messages: secrets, and what was taken already."""

from datetime import timedelta
from typing import Any

import pytest

from kleanxmpp import errors, ids, signatures
from kleanxmpp.hook_ports import SigningSecret
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from tests.contracts.directory_base import DirectoryBase, saved_company
from tests.factories import AT, a_company

HOUR = timedelta(hours=1)


def a_secret(company: Company, **facts: Any) -> SigningSecret:
    given = {"purpose": "hr", "secret": signatures.new_secret(), "created_at": AT} | facts
    return SigningSecret(id=ids.new_id(), company_id=company.id, **given)


class HooksContract(DirectoryBase):
    async def test_secrets_are_of_a_company_and_a_purpose(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        late, early = a_secret(company, created_at=AT + HOUR), a_secret(company)
        elsewhere, else_for = a_secret(other, created_at=AT + 2 * HOUR), a_secret(company, purpose="events")
        async with directory.write() as tx:
            for one in (late, early, elsewhere, else_for):
                await tx.add_signing_secret(one)
        async with directory.write() as tx:
            assert await tx.signing_secrets("hr") == [early, late, elsewhere]
            assert await tx.signing_secrets("hr", company_id=company.id) == [early, late]
            assert await tx.signing_secrets("other", company_id=company.id) == []
            assert not await tx.delete_signing_secret(other.id, early.id)
            assert await tx.delete_signing_secret(company.id, early.id)
            assert not await tx.delete_signing_secret(company.id, early.id)
            assert await tx.signing_secrets("hr", company_id=company.id) == [late]

    async def test_no_secret_fits_two_companies(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        first = a_secret(company)
        async with directory.write() as tx:
            await tx.add_signing_secret(first)
            with pytest.raises(errors.Conflict) as caught:
                await tx.add_signing_secret(a_secret(other, secret=first.secret))
            assert caught.value.field == "secret"
            with pytest.raises(errors.NotFound):
                await tx.add_signing_secret(a_secret(a_company()))

    async def test_a_message_is_taken_once_until_it_is_forgotten(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        async with directory.write() as tx:
            assert await tx.claim_message(company.id, "hr", "msg_1", at=AT)
            assert not await tx.claim_message(company.id, "hr", "msg_1", at=AT + HOUR)
            assert await tx.claim_message(company.id, "events", "msg_1", at=AT)
            assert await tx.claim_message(other.id, "hr", "msg_1", at=AT)
            assert await tx.claim_message(company.id, "hr", "msg_2", at=AT + HOUR)
            await tx.forget_messages(company.id, "hr", before=AT + HOUR)
        async with directory.write() as tx:
            assert not await tx.claim_message(company.id, "hr", "msg_2", at=AT)
            assert not await tx.claim_message(company.id, "events", "msg_1", at=AT)
            assert not await tx.claim_message(other.id, "hr", "msg_1", at=AT)
            assert await tx.claim_message(company.id, "hr", "msg_1", at=AT)

    async def test_what_failed_gives_its_message_back(self, directory: Directory, company: Company) -> None:
        with pytest.raises(errors.Invalid):
            async with directory.write(company.id) as tx:
                assert await tx.claim_message(company.id, "hr", "msg_1", at=AT)
                raise errors.Invalid
        async with directory.write(company.id) as tx:
            assert await tx.claim_message(company.id, "hr", "msg_1", at=AT)
