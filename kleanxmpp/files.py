"""Use cases about files: who may send one, who gets it, and how it goes away.

A link is 140 random bits of which only the SHA-256 is kept, so the directory cannot give a link away. Whether the
person may chat is asked twice, when the upload begins and in the transaction that makes it a file: an off-boarding in
between is stronger than the grant. Uploads are not in the audit log: the row itself is the record, and its company
sees it; what is erased on purpose is.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from kleanxmpp import errors, ids, media_types
from kleanxmpp.desired import may_chat
from kleanxmpp.file_ports import File, FileState, FileStore
from kleanxmpp.model import AuditEntry, Company, User
from kleanxmpp.ports import Directory, Transaction

BEGIN_WITHIN = timedelta(minutes=5)
"""How long after the grant an upload may begin."""
DONE_WITHIN = timedelta(minutes=10)
"""How long an upload may take."""
_LONGEST_NAME = 100
_NAMELESS = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to send."""

    name: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What an upload says about itself. `media_type` empty: nothing, and the grant's holds."""

    token: str
    size: int
    media_type: str


async def grant(directory: Directory, *, domain: str, username: str, wanted: Wanted, now: datetime) -> tuple[File, str]:
    """Let somebody upload one file; return it with the token of its link, which exists only here.

    Raises Forbidden, TooLarge, QuotaExceeded, or Invalid for a type that the company does not take.
    """
    async with directory.read() as tx:
        found = await tx.company_by_domain(domain)
    if found is None:
        raise errors.Forbidden
    async with directory.write(found.id) as tx:
        company, user = await tx.company(found.id), await tx.user_by_username(found.id, username)
        if company is None or user is None or not may_chat(company, user):
            raise errors.Forbidden
        await _check(tx, company, user, wanted, now=now)
        file = File(
            id=ids.new_id(),
            company_id=company.id,
            user_id=user.id,
            name=safe_name(wanted.name),
            size=wanted.size,
            media_type=media_types.plain(wanted.media_type),
            created_at=now,
            expires_at=now + BEGIN_WITHIN,
        )
        token = ids.new_secret()
        await tx.add_file(file, token_sha256=ids.sha256_hex(token))
    return file, token


async def receive(
    directory: Directory, store: FileStore, sent: Sent, chunks: AsyncIterator[bytes], *, clock: Callable[[], datetime]
) -> None:
    """Take in what was granted, once and exactly so. Nothing of an upload that fails is kept; it may be repeated.

    Raises Forbidden for a grant that does not hold (any more), Invalid for another size or type.
    """
    file = await _granted(directory, sent.token, now=clock())
    if sent.size != file.size or sent.media_type not in {"", file.media_type}:
        raise errors.Invalid("Size and type of the upload must be those that were asked for.")
    async with store.incoming(file.id) as incoming:
        left = file.size
        async for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                break
            await incoming.write(chunk)
        if left:
            raise errors.Invalid("The upload has another size than was asked for.")
        await incoming.settle()
        async with directory.write(file.company_id) as tx:
            current, company = await tx.file(file.company_id, file.id), await tx.company(file.company_id)
            if current is None or company is None or not await _may_still(tx, company, current):
                raise errors.Forbidden
            until = clock() + timedelta(days=company.file_retention_days)
            await tx.save_file(replace(current, state=FileState.STORED, expires_at=until))
            await incoming.keep()


async def linked(directory: Directory, token: str, *, now: datetime) -> File:
    """Return the file that a link leads to. Raises NotFound, for whatever reason there is nothing to get."""
    async with directory.read() as tx:
        file = await tx.file_by_token(ids.sha256_hex(token))
        company = await tx.company(file.company_id if file else "")
    if file is None or company is None or not company.enabled:
        raise errors.NotFound
    if file.state is not FileState.STORED or file.expires_at <= now:
        raise errors.NotFound
    return file


async def erase_file(
    directory: Directory, store: FileStore | None, company: Company, file_id: str, *, actor: str, now: datetime
) -> None:
    """Erase one file: from the commit on its link leads nowhere. Raises NotFound."""
    async with directory.write(company.id) as tx:
        file = await tx.file(company.id, file_id)
        if file is None or file.state is not FileState.STORED:
            raise errors.NotFound("There is no file with this id in the company.")
        await tx.save_file(replace(file, state=FileState.ERASED))
        await tx.add_audit(
            [
                AuditEntry(
                    company_id=company.id,
                    at=now,
                    actor=actor,
                    action="file.erased",
                    subject=f"user:{file.user_id}",
                    details={"file": file.id},
                )
            ]
        )
    if store is not None:
        await store.remove([file.id])


async def erase_files_of(directory: Directory, store: FileStore | None, user: User) -> tuple[int, int | None]:
    """Erase all files of a person; return how many there were and how many are left (None: nobody looked)."""
    async with directory.write(user.company_id) as tx:
        found = await tx.erase_files_of(user.id)
    if not found:
        return 0, 0
    if store is None:
        return len(found), None
    await store.remove(found)
    left = [await store.path(file_id) for file_id in found]
    return len(found), sum(path is not None for path in left)


def largest(company: Company) -> int:
    """Return how large a file may be at most."""
    return min(company.upload_max_bytes, company.upload_daily_bytes)


def safe_name(text: str) -> str:
    """Return a file's name without folders, without what cannot be printed, and not too long; it keeps its ending."""
    last = text.replace("\\", "/").rpartition("/")[2]
    name = "".join(letter for letter in last if letter.isprintable()).strip(". ")
    if len(name) > _LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: _LONGEST_NAME - 12]}{dot}{ending[:10]}" if dot else name[:_LONGEST_NAME]
    return name or _NAMELESS


async def _check(tx: Transaction, company: Company, user: User, wanted: Wanted, *, now: datetime) -> None:
    if wanted.size < 1:
        raise errors.Invalid("A file has at least one byte.", field="size")
    if wanted.size > largest(company):
        raise errors.TooLarge(limit=largest(company))
    if media_types.plain(wanted.media_type) not in company.upload_types:
        raise errors.Invalid("The company does not take files of this type.", field="content-type")
    today, tomorrow = _day(company, now)
    if await tx.uploaded_since(user.id, since=today) + wanted.size > company.upload_daily_bytes:
        raise errors.QuotaExceeded(until=tomorrow)


def _day(company: Company, now: datetime) -> tuple[datetime, datetime]:
    """Return when the company's day began and when it ends."""
    zone = ZoneInfo(company.timezone)
    date = now.astimezone(zone).date()
    return datetime.combine(date, time(), zone), datetime.combine(date + timedelta(days=1), time(), zone)


async def _granted(directory: Directory, token: str, *, now: datetime) -> File:
    async with directory.read() as tx:
        file = await tx.file_by_token(ids.sha256_hex(token))
        company = await tx.company(file.company_id) if file else None
        if file is None or company is None or file.expires_at <= now or not await _may_still(tx, company, file):
            raise errors.Forbidden
    return file


async def _may_still(tx: Transaction, company: Company, file: File) -> bool:
    user = await tx.user(file.company_id, file.user_id)
    return file.state is FileState.GRANTED and user is not None and may_chat(company, user)
