"""The directory's values: what is true about companies, people and circles.

Nothing here knows how it is stored or what a server makes of it. `active` and `chat_permission` are two
facts on purpose: HR owns the first, an admin the second, and whether somebody *may chat* is policy
(`kleanxmpp.desired`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kleanxmpp import media_types
from kleanxmpp.attributes import Attributes
from kleanxmpp.rules import Rule


class GroupKind(StrEnum):
    """Who may write in a group."""

    TEAM = "team"
    ANNOUNCEMENT = "announcement"


class Role(StrEnum):
    """What a membership allows."""

    MEMBER = "member"
    MODERATOR = "moderator"


class ContactVisibility(StrEnum):
    """Whom a person finds in the contact list: the circles they share, or the whole (small) company."""

    GROUPS = "groups"
    COMPANY = "company"


class Absence(StrEnum):
    """Why somebody who is employed and permitted does not take part as usual.

    `paused`: no access at all, memberships stay, the name says until when. `garden_leave`: reads announcements,
    writes nothing.
    """

    PAUSED = "paused"
    GARDEN_LEAVE = "garden_leave"


class Mode(StrEnum):
    """Why an off-boarding happened."""

    LEFT = "left"
    PAUSED = "paused"
    GARDEN_LEAVE = "garden_leave"
    PERMISSION_WITHDRAWN = "permission_withdrawn"
    COMPANY_DISABLED = "company_disabled"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One tenant: one XMPP domain with its people and groups. `timezone` is an IANA name: where a day begins.

    `upload_daily_bytes` is for each person; `file_retention_days` counts from the upload.
    """

    id: str
    domain: str
    name: str
    enabled: bool = True
    locale: str = "de"
    contact_visibility: ContactVisibility = ContactVisibility.GROUPS
    contacts_max: int = 250
    timezone: str = "Europe/Berlin"
    upload_max_bytes: int = 25 * 1024 * 1024
    upload_daily_bytes: int = 500 * 1024 * 1024
    upload_types: tuple[str, ...] = media_types.USUAL
    file_retention_days: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. `username` is theirs for ever; `nickname` is the name that no second person in the company has.

    `absent_until`: when an absence ends by itself; None: when somebody ends it.
    `admin`: takes over groups that would be left without a moderator.
    `sessions_valid_from`: sessions that began earlier must end (a credential was revoked).
    `erasing`: erasure was asked for and follows as soon as the off-boarding is proven.
    `photo_sha1`: of the photo that the directory has, which is kept apart (`kleanxmpp.photo_ports`); None: it has none.
    """

    id: str
    company_id: str
    username: str
    display_name: str
    nickname: str
    external_id: str | None = None
    email: str | None = None
    locale: str = "de"
    active: bool = True
    chat_permission: bool = True
    absence: Absence | None = None
    absent_until: datetime | None = None
    admin: bool = False
    attributes: Attributes = field(default_factory=dict, hash=False)
    photo_sha1: str | None = None
    created_at: datetime
    version: int = 1
    sessions_valid_from: datetime | None = None
    erasing: bool = False
    greeted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A named circle. `slug` is its room's localpart, given once and never again. A deleted group is a tombstone.

    `rule`: who is a member without being named; None: only who is named.
    `archived_at`: since when the group is finished; None: it is not.
    """

    id: str
    company_id: str
    slug: str
    name: str
    description: str = ""
    kind: GroupKind = GroupKind.TEAM
    rule: Rule | None = None
    created_at: datetime
    version: int = 1
    circle_version: int = 1
    archived_at: datetime | None = None
    deleted: bool = False

    @property
    def archived(self) -> bool:
        """Whether the group is finished: kept with circle, room and messages, but nobody has it."""
        return self.archived_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A user in a group. It outlives deactivation; it is just not effective then.

    `by_rule`: it is there because of the group's rule, and goes with it. Else it is fixed: somebody put the user in.
    """

    group_id: str
    user_id: str
    role: Role = Role.MEMBER
    by_rule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One device's login. The secret itself exists only on the device.

    `expires_at` None: good until it is revoked. `web_session_id`: made for this browser, and gone with its session.
    `last_seen_at`: when it was last connected or began to be, as far as is written down; None: not seen yet.
    """

    id: str
    user_id: str
    label: str
    created_at: datetime
    expires_at: datetime | None = None
    web_session_id: str | None = None
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A caller of the admin API. `company_id` None: the operator's, good for every company."""

    id: str
    company_id: str | None
    name: str
    scopes: frozenset[str]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to whom, when. Never holds message content or secrets.

    `number`, `previous` and `hash` are its place in its company's chain (`kleanxmpp.audit`), given when it is added.
    """

    id: int = 0
    company_id: str | None
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None = None
    details: Mapping[str, object]
    number: int = 0
    previous: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """Where a chain of the audit log ends: the number and the hash of its last entry."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One line of proof: what an off-boarding found, did, and saw when it looked again.

    `closed` is None when it could not be checked. `milliseconds` counts from the request.
    """

    item: str
    found: int | None
    done: int
    left: int | None
    closed: bool | None
    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A group whose moderator was off-boarded, and who moderates it now.

    `to` are the ids of the people who became moderators for it, none if `others` (the number of moderators who were
    there already) suffice. Both empty: nobody could take it over.
    """

    group_id: str
    to: tuple[str, ...] = ()
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offboarding:
    """Everything that happened when a user stopped being allowed to chat. Survives the person's erasure."""

    id: str
    company_id: str
    user_id: str
    reason: str | None
    actor: str
    requested_at: datetime
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    mode: Mode = Mode.LEFT
    handovers: tuple[Handover, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def complete(self) -> bool:
        """True only when every item was looked up again and found closed."""
        return self.completed_at is not None and all(line.closed for line in self.evidence)


class Door(StrEnum):
    """A way by which one mistake off-boards many people at once. Whoever is named one by one comes by none of them."""

    IMPORT = "import"
    SCIM = "scim"
    HR = "hr"
    BULK = "bulk"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChange:
    """What a door wanted to take from somebody and must not yet: the facts that are False. True: stays as it is.

    `absence`: the one it wanted to begin, ending by itself at `absent_until`; None: none.
    """

    user_id: str
    active: bool = True
    chat_permission: bool = True
    absence: Absence | None = None
    absent_until: datetime | None = None
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Everything of one door that waits for a confirmation; it grows until somebody decides. Never empty."""

    id: str
    company_id: str
    door: Door
    changes: tuple[HeldChange, ...]

    @property
    def since(self) -> datetime:
        """When the first of it was held."""
        return min(change.at for change in self.changes)
