"""One small company with its people and groups, and a second company that must never be seen from the first."""

from datetime import UTC, datetime

from component.commands.base import Context
from component.locale import texts_for
from kleanxmpp import assistant
from kleanxmpp.model import Company, Group, GroupKind, Role, User
from kleanxmpp.ports import Directory
from kleanxmpp.testing_directory import MemoryDirectory

AT = datetime(2026, 1, 5, tzinfo=UTC)
FIRMA = Company(id="c1", domain="firma.test", name="Firma Sauber")
ZWEI = Company(id="c2", domain="zwei.test", name="Firma Zwei", locale="en")


def a_user(username: str, display_name: str, *, company: Company = FIRMA, **facts: object) -> User:
    values: dict[str, object] = {
        "id": f"u-{username}",
        "company_id": company.id,
        "username": username,
        "display_name": display_name,
        "nickname": f"{display_name} ({username})",
        "created_at": AT,
    }
    return User(**(values | facts))


def a_group(slug: str, name: str, *, company: Company = FIRMA, **facts: object) -> Group:
    values: dict[str, object] = {"id": f"g-{slug}", "company_id": company.id, "slug": slug, "name": name}
    return Group(**(values | {"created_at": AT} | facts))


PEOPLE = (
    a_user("anna", "Anna Müller"),
    a_user("bob", "Bob Smith", locale="en-GB"),
    a_user("joerg", "Jörg Groß"),
    a_user("carla", "Carla Weg", active=False),
    a_user("dora", "Dora Stumm", chat_permission=False),
    a_user("zoe", "Zoe Müller", company=ZWEI),
)
GROUPS = (
    a_group("team-nord", "Team Nord"),
    a_group("aushang", "Aushang", kind=GroupKind.ANNOUNCEMENT),
    a_group("alt", "Altes Team", deleted=True),
    a_group("fertig", "Fertige Baustelle", archived_at=AT),
    a_group("fremd", "Fremde Gruppe", company=ZWEI),
)
CIRCLES: dict[str, dict[str, Role]] = {
    "g-team-nord": {"u-anna": Role.MEMBER, "u-bob": Role.MODERATOR, "u-carla": Role.MODERATOR},
    "g-aushang": {"u-anna": Role.MODERATOR, "u-bob": Role.MODERATOR, "u-joerg": Role.MODERATOR},
    "g-fertig": {"u-anna": Role.MEMBER, "u-joerg": Role.MODERATOR},
    "g-alt": {"u-anna": Role.MEMBER, "u-joerg": Role.MODERATOR},
    "g-fremd": {"u-zoe": Role.MODERATOR},
}


async def a_directory(*more: User) -> MemoryDirectory:
    directory = MemoryDirectory()
    async with directory.write() as tx:
        for company in (FIRMA, ZWEI):
            await tx.save_company(company)
        await tx.add_users((*PEOPLE, *more))
        await tx.add_groups(GROUPS)
        for group_id, roles in CIRCLES.items():
            await tx.put_members(group_id, roles)
    return directory


async def asking(
    directory: Directory, username: str = "anna", argument: str = "", *, domain: str = "firma.test"
) -> Context:
    person = await assistant.person_who_may_chat(directory, domain=domain, username=username)
    assert person is not None
    return Context(
        person=person,
        directory=directory,
        texts=texts_for(person.user.locale, person.company.locale),
        rooms_domain=f"gruppen.{domain}",
        argument=argument,
    )
