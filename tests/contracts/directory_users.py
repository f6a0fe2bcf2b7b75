"""Users, usernames, credentials, and who may chat."""

import asyncio
import itertools
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from kleanxmpp import errors, ids
from kleanxmpp.desired import Access, may_chat
from kleanxmpp.device_ports import MARK_LENGTH, DeviceSeen
from kleanxmpp.model import Absence, Company, Credential, Role, User
from kleanxmpp.ports import Directory, UserFilter
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_group, saved_user, saved_users
from tests.contracts.directory_website import a_session
from tests.factories import AT, a_company, a_credential, a_mark, a_user

EVERYBODY = UserFilter()


class UsersContract(DirectoryBase):
    async def test_attributes_are_kept_with_all_their_values(self, directory: Directory, company: Company) -> None:
        known = {"role": ("Reinigung",), "site": ("Objekt 14", "Objekt 12")}
        anna = await saved_user(directory, company, attributes=known)
        async with directory.write(company.id) as tx:
            assert await tx.user(company.id, anna.id) == anna
            await tx.save_users([replace(anna, attributes={"site": ("Größe 3",)}, version=2)])
        async with directory.read() as tx:
            assert (await tx.users_by_id(company.id, [anna.id]))[anna.id].attributes == {"site": ("Größe 3",)}

    async def test_a_user_comes_back_as_saved(self, directory: Directory, company: Company) -> None:
        user = a_user(
            company,
            display_name="Zoë Größe 🧹",
            external_id="HR/1",
            email="z@x.test",
            locale="en",
            active=False,
            chat_permission=False,
            version=7,
            absence=Absence.GARDEN_LEAVE,
            absent_until=AT + timedelta(microseconds=2),
            admin=True,
            sessions_valid_from=AT + timedelta(microseconds=1),
            erasing=True,
            greeted=True,
        )
        await saved_users(directory, user)
        async with directory.read() as tx:
            assert await tx.user(company.id, user.id) == user
            assert await tx.user_by_username(company.id, user.username) == user
            assert await tx.users_by_external_id(company.id, ["HR/1", "HR/2"]) == {"HR/1": user}

    async def test_everybody_with_an_address_is_found(self, directory: Directory, company: Company) -> None:
        aylin = await saved_user(directory, company, email="Aylin@Firma.Example")
        shared = await saved_user(directory, company, email="aylin@firma.example")
        await saved_user(directory, company, email=None)
        async with directory.read() as tx:
            found = await tx.users_by_email(company.id, "aylin@firma.EXAMPLE")
            assert {user.id for user in found} == {aylin.id, shared.id}
            assert await tx.users_by_email(company.id, "other@firma.example") == []
            assert await tx.users_by_email(company.id, aylin.username) == [], "a username is no address"
            assert await tx.users_by_email("other", "aylin@firma.example") == []

    async def test_many_keys_are_found_and_unknown_ones_missing(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        many = [f"nobody{number}" for number in range(12_000)]
        async with directory.read() as tx:
            assert await tx.users_by_id(company.id, [*many, user.id]) == {user.id: user}
            assert await tx.users_by_username(company.id, [*many, user.username]) == {user.username: user}
            assert await tx.users_by_id(company.id, []) == {}
            assert await tx.taken_usernames(company.id, [*many, user.username]) == {user.username}

    async def test_a_username_is_never_given_twice(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        with pytest.raises(errors.Conflict) as caught:
            await saved_user(directory, company, username=user.username)
        assert caught.value.field == "username"

    async def test_a_username_stays_retired_after_erasure(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        async with directory.write(company.id) as tx:
            await tx.delete_user(company.id, user.id)
        async with directory.read() as tx:
            assert await tx.taken_usernames(company.id, [user.username, "free"]) == {user.username}
            assert await tx.user_by_username(company.id, user.username) is None
        with pytest.raises(errors.Conflict) as caught:
            await saved_user(directory, company, username=user.username)
        assert caught.value.field == "username"

    @pytest.mark.parametrize("ordered", [True, False])
    async def test_two_writers_cannot_give_one_username(
        self, directory: Directory, company: Company, ordered: bool
    ) -> None:
        async def give() -> None:
            async with directory.write(company.id if ordered else None) as tx:
                await tx.add_users([a_user(company, username="anna")])

        outcomes = await asyncio.gather(give(), give(), give(), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Conflict", "NoneType"]

    async def test_the_same_username_fits_into_two_companies(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        await saved_users(directory, a_user(company, username="anna", nickname="Anna", external_id="1"))
        await saved_users(directory, a_user(other, username="anna", nickname="Anna", external_id="1"))

    @pytest.mark.parametrize(
        ("field", "facts"),
        [("external_id", {"external_id": "HR-1"}), ("nickname", {"nickname": "ANNA\u00a0mueller"})],
    )
    async def test_others_cannot_take_what_is_in_use(
        self, directory: Directory, company: Company, field: str, facts: dict[str, str]
    ) -> None:
        await saved_user(directory, company, external_id="HR-1", nickname="Anna Mueller")
        other = await saved_user(directory, company)
        with pytest.raises(errors.Conflict) as added:
            await saved_user(directory, company, **facts)
        assert added.value.field == field
        with pytest.raises(errors.Conflict) as saved:
            async with directory.write(company.id) as tx:
                await tx.save_users([replace(other, **facts)])
        assert saved.value.field == field

    async def test_two_people_can_swap_nickname_and_external_id_in_one_save(
        self, directory: Directory, company: Company
    ) -> None:
        one = await saved_user(directory, company, nickname="Eins", external_id="1")
        two = await saved_user(directory, company, nickname="Zwei", external_id="2")
        swapped = [replace(one, nickname="Zwei", external_id="2"), replace(two, nickname="Eins", external_id="1")]
        async with directory.write(company.id) as tx:
            await tx.save_users(swapped)
        async with directory.read() as tx:
            assert await tx.users_by_id(company.id, [one.id, two.id]) == {one.id: swapped[0], two.id: swapped[1]}

    async def test_saving_replaces_the_person_but_not_the_username(
        self, directory: Directory, company: Company
    ) -> None:
        user = await saved_user(directory, company, email="a@x.test")
        changed = replace(user, email=None, display_name="Neu", nickname="Neu", active=False, version=2)
        async with directory.write(company.id) as tx:
            await tx.save_users([replace(changed, username="other")])
        async with directory.read() as tx:
            assert await tx.user(company.id, user.id) == changed

    async def test_saving_somebody_unknown_does_nothing(self, directory: Directory, company: Company) -> None:
        user = a_user(company)
        async with directory.write(company.id) as tx:
            await tx.save_users([user])
            assert await tx.user(company.id, user.id) is None

    async def test_taken_nicknames_are_compared_without_case(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company, nickname="Jörg Groß")
        async with directory.read() as tx:
            found = await tx.taken_nicknames(company.id, ["JÖRG GROSS", "Jörg Groß", "Jörg"])
        assert found == {"JÖRG GROSS": user.id, "Jörg Groß": user.id}

    async def test_pages_follow_the_usernames_by_code_point(self, directory: Directory, company: Company) -> None:
        names = ["a-b", "a.b", "aa", "a_b", "ab", "b", "z", "ä", "1"]
        await saved_users(directory, *(a_user(company, username=name) for name in names))
        seen: list[str] = []
        async with directory.read() as tx:
            while page := await tx.page_users(
                company.id, after=seen[-1] if seen else None, limit=2, matching=EVERYBODY
            ):
                seen += [user.username for user in page]
        assert seen == sorted(names)

    @pytest.mark.parametrize(
        ("matching", "expected"),
        [
            (UserFilter(text="MÜLL"), {"anna"}),
            (UserFilter(text="mueller"), {"anna"}),
            (UserFilter(text="nna"), {"anna"}),
            (UserFilter(text="B@Firma"), {"bob"}),
            (UserFilter(text="%"), set()),
            (UserFilter(text="_"), set()),
            (UserFilter(text="!"), set()),
            (UserFilter(text="  "), {"anna", "bob", "carl"}),
            (UserFilter(active=False), {"carl"}),
            (UserFilter(chat_permission=False), {"bob"}),
            (UserFilter(active=True, chat_permission=True, text="a"), {"anna"}),
        ],
    )
    async def test_lists_show_who_matches(
        self, directory: Directory, company: Company, matching: UserFilter, expected: set[str]
    ) -> None:
        await saved_users(
            directory,
            a_user(company, username="anna", display_name="Anna Müller"),
            a_user(company, username="bob", display_name="Bob", email="bob@firma.test", chat_permission=False),
            a_user(company, username="carl", display_name="Carl", active=False),
        )
        async with directory.read() as tx:
            found = await tx.page_users(company.id, after=None, limit=10, matching=matching)
        assert {user.username for user in found} == expected

    async def test_lists_show_who_is_away(self, directory: Directory, company: Company) -> None:
        here, *away = await saved_users(
            directory,
            a_user(company, username="here"),
            a_user(company, username="leave", absence=Absence.GARDEN_LEAVE),
            a_user(company, username="pause", absence=Absence.PAUSED, absent_until=AT),
        )
        async with directory.read() as tx:
            for absent, expected in ((True, away), (False, [here]), (None, [here, *away])):
                matching = UserFilter(absent=absent)
                assert await tx.page_users(company.id, after=None, limit=9, matching=matching) == expected

    async def test_lists_show_who_has_no_device(self, directory: Directory, company: Company) -> None:
        bare, browses, phones = await saved_users(
            directory, *(a_user(company, username=name) for name in ("bare", "browses", "phones"))
        )
        session = a_session(company, browses.id)
        async with directory.write(company.id) as tx:
            await tx.add_web_session(session, token_sha256="t")
            await tx.add_credentials([a_credential(browses, web_session_id=session.id), a_credential(phones)])
        async with directory.read() as tx:
            for has_device, expected in ((True, [phones]), (False, [bare, browses]), (None, [bare, browses, phones])):
                matching = UserFilter(has_device=has_device, active=True)
                assert await tx.page_users(company.id, after=None, limit=9, matching=matching) == expected
            everybody = [bare.id, browses.id, phones.id]
            assert await tx.credential_counts(everybody) == {browses.id: 1, phones.id: 1}
            assert await tx.credential_counts(everybody, of_browsers=False) == {phones.id: 1}

    async def test_erasure_takes_everything_that_hangs_on_the_person(
        self, directory: Directory, company: Company
    ) -> None:
        user, stays = await saved_user(directory, company), await saved_user(directory, company)
        group = await saved_group(directory, company, user, stays)
        left = await saved_group(directory, company, user)
        credential, secret = a_credential(user)
        async with directory.write(company.id) as tx:
            await tx.add_credentials([(credential, secret)])
            await tx.remove_members(left.id, [user.id])
            await tx.mark_due([a_mark(user), a_mark(stays)])
            await tx.delete_user(company.id, user.id)
        async with directory.read() as tx:
            assert await tx.user(company.id, user.id) is None
            assert await tx.person(company.id, user.id) is None
            assert await tx.credentials(user.id) == []
            assert await tx.roles(group.id) == {stays.id: Role.MEMBER}
            assert await tx.memberships_of(user.id) == []
            assert [due.scope.id for due in await tx.page_due(company.id, limit=9)] == [stays.id]
            assert not await tx.may_log_in(company.domain, user.username, secret)

    async def test_an_erased_persons_nickname_and_external_id_are_free(
        self, directory: Directory, company: Company
    ) -> None:
        user = await saved_user(directory, company, nickname="Anna", external_id="1")
        async with directory.write(company.id) as tx:
            await tx.delete_user(company.id, user.id)
            await tx.add_users([a_user(company, nickname="Anna", external_id="1")])

    async def test_names_lists_who_may_chat_and_contains_all_parts(
        self, directory: Directory, company: Company
    ) -> None:
        await saved_users(
            directory,
            a_user(company, username="b", display_name="Jörg Müller"),
            a_user(company, username="a", display_name="Jürgen Müllerin"),
            a_user(company, username="c", display_name="Müller (weg)", active=False),
        )
        async with directory.read() as tx:
            assert await tx.names(company.id) == [("a", "Jürgen Müllerin"), ("b", "Jörg Müller")]
            assert await tx.names(company.id, containing=["MUELLER", "jö"]) == [("b", "Jörg Müller")]
            assert await tx.names(company.id, containing=["%"]) == await tx.names(company.id)
            assert await tx.names("other") == []

    async def test_names_of_who_is_paused_say_until_when_and_who_is_on_garden_leave_is_not_named(
        self, directory: Directory, company: Company
    ) -> None:
        until = AT.replace(month=3, day=1, hour=23, minute=30)  # the second of March where the company is
        await saved_users(
            directory,
            a_user(company, username="a", display_name="Anna Groß", absence=Absence.PAUSED, absent_until=until),
            a_user(company, username="b", display_name="Ben Groß", absence=Absence.PAUSED),
            a_user(company, username="c", display_name="Carl Groß", absence=Absence.GARDEN_LEAVE),
            a_user(company, username="d", display_name="Dora Groß", absence=Absence.PAUSED, active=False),
        )
        async with directory.read() as tx:
            assert await tx.names(company.id) == [("a", "Anna Groß (bis 02.03.)"), ("b", "Ben Groß (abwesend)")]
            assert await tx.names(company.id, containing=["bis"]) == [], "the mark is no part of the name"
            levels = await tx.access_levels(company.id)
        assert levels == {"a": Access.PAUSED, "b": Access.PAUSED, "c": Access.READ}

    async def test_who_is_absent_logs_in_only_to_read(self, directory: Directory, company: Company) -> None:
        for absence, expected in ((Absence.PAUSED, False), (Absence.GARDEN_LEAVE, True)):
            user = await saved_user(directory, company, absence=absence)
            credential, secret = a_credential(user)
            async with directory.write(company.id) as tx:
                await tx.add_credentials([(credential, secret)])
                assert await tx.may_log_in(company.domain, user.username, secret) is expected

    async def test_absences_end_in_their_order_in_all_companies(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        async with directory.read() as tx:
            assert await tx.next_return_at() is None
            assert await tx.users_to_return(now=AT, limit=9) == []
        second, later, first = [
            a_user(of, absence=Absence.PAUSED, absent_until=AT + timedelta(seconds=seconds))
            for of, seconds in ((company, 0), (company, 1), (other, -1))
        ]
        open_ended = a_user(company, absence=Absence.PAUSED)
        await saved_users(directory, second, later, open_ended)
        await saved_users(directory, first)
        async with directory.read() as tx:
            assert await tx.users_to_return(now=AT, limit=9) == [first, second]
            assert await tx.users_to_return(now=AT, limit=1) == [first]
            assert await tx.next_return_at() == first.absent_until

    async def test_admins_are_found_whether_they_may_chat_or_not(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        two = await saved_user(directory, company, username="two", admin=True)
        one = await saved_user(directory, company, username="one", admin=True, active=False)
        await saved_user(directory, company)
        await saved_user(directory, other, admin=True)
        async with directory.read() as tx:
            assert await tx.admins(company.id) == [one, two]

    async def test_a_person_is_greeted_once(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)

        async def greet() -> bool:
            async with directory.write() as tx:
                return await tx.mark_greeted(company.id, user.username)

        assert sorted(await asyncio.gather(greet(), greet(), greet())) == [False, False, True]
        async with directory.write(company.id) as tx:
            await tx.save_users([user])  # read before the greeting: must not undo it
        assert not await greet()
        async with directory.write() as tx:
            assert not await tx.mark_greeted(company.id, "nobody")

    async def test_credentials_are_listed_and_deleted(self, directory: Directory, company: Company) -> None:
        user, other = await saved_user(directory, company), await saved_user(directory, company)
        first, second = a_credential(user), a_credential(user, created_at=AT + timedelta(seconds=1))
        async with directory.write(company.id) as tx:
            await tx.add_credentials([second, first])
            assert await tx.credentials(user.id) == [first[0], second[0]]
            assert await tx.credential_counts([user.id, other.id]) == {user.id: 2}
            assert await tx.credential_counts([]) == {}
            assert not await tx.delete_credential(other.id, first[0].id)
            assert await tx.delete_credential(user.id, first[0].id)
            assert not await tx.delete_credential(user.id, first[0].id)
            assert await tx.credentials(user.id) == [second[0]]
            assert not await tx.may_log_in(company.domain, user.username, first[1])
            assert await tx.may_log_in(company.domain, user.username, second[1])

    async def test_a_credential_keeps_when_it_was_seen_last_and_never_goes_back(
        self, directory: Directory, company: Company
    ) -> None:
        user, other = await saved_user(directory, company), await saved_user(directory, company)
        phone, tablet, others = a_credential(user), a_credential(user, label="Tablet"), a_credential(other)
        stranger = await saved_user(directory, await saved_company(directory, a_company()), username=user.username)
        strangers = a_credential(stranger)
        async with directory.write(company.id) as tx:
            await tx.add_credentials([phone, tablet, others, strangers])
            marks = await tx.credential_marks(user.id)
        assert marks == {secret[:MARK_LENGTH]: one.id for one, secret in (phone, tablet)}

        def seen(credential: tuple[Credential, str], *, of: User = user, seconds: int = 0) -> DeviceSeen:
            mark = credential[1][:MARK_LENGTH]
            return DeviceSeen(username=of.username, mark=mark, at=AT + timedelta(seconds=seconds))

        async with directory.write() as tx:
            await tx.note_devices_seen(company.id, [])
            await tx.note_devices_seen(
                company.id,
                [
                    seen(phone, seconds=1),
                    seen(phone, seconds=9),
                    seen(phone, seconds=5),
                    seen(strangers),
                    seen(others),
                    seen(tablet, of=other),
                    replace(seen(phone), username="nobody"),
                ],
            )
        async with directory.write() as tx:
            await tx.note_devices_seen(company.id, [seen(phone, seconds=8), seen(others, of=other)])
        async with directory.read() as tx:
            moments = {one.id: one.last_seen_at for one in await tx.credentials(user.id)}
            assert moments == {phone[0].id: AT + timedelta(seconds=9), tablet[0].id: None}
            assert [one.last_seen_at for one in await tx.credentials(other.id)] == [AT]
            assert [one.last_seen_at for one in await tx.credentials(stranger.id)] == [None]

    async def test_a_secret_belongs_to_one_credential(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        credential, secret = a_credential(user)
        async with directory.write(company.id) as tx:
            await tx.add_credentials([(credential, secret)])
            with pytest.raises(errors.Conflict) as caught:
                await tx.add_credentials([(replace(credential, id=ids.new_id()), secret)])
            with pytest.raises(errors.NotFound):
                await tx.add_credentials([a_credential(a_user(company))])
        assert caught.value.field == "credential"

    async def test_who_may_chat_is_what_policy_says_everywhere(self, directory: Directory) -> None:
        """The truth table: login, gate, names and circles agree with `desired.may_chat`."""
        for facts in itertools.product([True, False], repeat=4):
            company = await saved_company(directory, a_company(enabled=facts[0]))
            user = a_user(company, active=facts[1], chat_permission=facts[2], erasing=facts[3])
            group = await self._group_with_credential(directory, company, user)
            expected = {user.username} if may_chat(company, user) else set()
            async with directory.read() as tx:
                secret = a_credential(user)[1]
                circle = await tx.group_circle(company.id, group)
                assert circle is not None
                assert circle.members.keys() == expected, facts
                assert circle.size == 1
                assert (await tx.access_levels(company.id)).keys() == expected, facts
                assert {name for name, _ in await tx.names(company.id)} == expected, facts
                secret = self.secrets[user.id]
                assert await tx.may_log_in(company.domain, user.username, secret) == bool(expected), facts
                assert not await tx.may_log_in(company.domain, user.username, ids.sha256_hex("wrong"))
                assert not await tx.may_log_in("other.test", user.username, secret)
                assert not await tx.may_log_in(company.domain, "other", secret)

    secrets: dict[str, str] = {}  # noqa: RUF012 - filled by the test that reads it

    async def _group_with_credential(self, directory: Directory, company: Company, user: User) -> str:
        await saved_users(directory, user)
        credential, secret = a_credential(user)
        self.secrets[user.id] = secret
        async with directory.write(company.id) as tx:
            await tx.add_credentials([(credential, secret)])
        return (await saved_group(directory, company, user)).id

    async def test_nothing_of_another_company_is_found(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company, external_id="1", nickname="Anna")
        await saved_group(directory, company, user)
        other = await saved_company(directory, a_company())
        async with directory.write(other.id) as tx:
            assert await tx.user(other.id, user.id) is None
            assert await tx.user_by_username(other.id, user.username) is None
            assert await tx.users_by_id(other.id, [user.id]) == {}
            assert await tx.users_by_external_id(other.id, ["1"]) == {}
            assert await tx.page_users(other.id, after=None, limit=9, matching=EVERYBODY) == []
            assert await tx.page_people(other.id, after=None, limit=9) == []
            assert await tx.person(other.id, user.id) is None
            assert await tx.taken_usernames(other.id, [user.username]) == frozenset()
            assert await tx.taken_nicknames(other.id, ["Anna"]) == {}
            assert await tx.access_levels(other.id) == {}
            assert not await tx.mark_greeted(other.id, user.username)
            await tx.delete_user(other.id, user.id)
            await tx.save_users([replace(user, company_id=other.id, display_name="Dieb")])
        async with directory.read() as tx:
            assert await tx.user(company.id, user.id) == user

    async def test_three_thousand_people_are_quick(self, directory: Directory, company: Company) -> None:
        people = [a_user(company) for _ in range(3_000)]
        begun = time.monotonic()
        await saved_users(directory, *people)
        async with directory.write(company.id) as tx:
            await tx.save_users([replace(user, version=2) for user in people])
            await tx.mark_due([a_mark(user) for user in people])
        group = await saved_group(directory, company, *people)
        async with directory.write(company.id) as tx:
            found = await tx.group_circle(company.id, group.id)
            await tx.remove_members(group.id, [user.id for user in people])
            assert found is not None
            assert len(found.members) == 3_000
            assert await tx.count_due(company.id) == 3_000
            assert await tx.member_count(group.id) == 0
        assert time.monotonic() - begun < 20
