"""Judgement on what wears out: versions, certificates, clocks, database, disks and backups."""

from datetime import datetime, timedelta

from kleanxmpp import sources
from kleanxmpp.chains import Verification
from kleanxmpp.doctor.facts import Backup, Certificate, Disk, Examination, Facts, Inside, NotChecked, Unavailable
from kleanxmpp.doctor.findings import Verdict, Words, decimal, green, red, worst, yellow
from kleanxmpp.doctor.judging import judged
from kleanxmpp.model import Door
from kleanxmpp.source_ports import Source

OLDEST, NEWEST_FLAWS = (23, 1), (26, 7)
"""The oldest ejabberd that works, and the first one without the flaws that are known."""

_CERTIFICATE_SOON = timedelta(days=30)
_CLOCK_WARNS, _CLOCK_BROKEN = timedelta(seconds=5), timedelta(minutes=1)
_BACKUP_WARNS, _BACKUP_BROKEN = timedelta(days=2), timedelta(days=14)
_DISK_WARNS, _DISK_BROKEN = (0.10, 2_000_000_000), (0.02, 200_000_000)
"""A disk warns below this share if also below this number of bytes."""

_DOORS = {
    Door.IMPORT: Words(de="Datei der Personalabteilung", en="file from HR"),
    Door.SCIM: Words(de="Identitätsanbieter (SCIM)", en="identity provider (SCIM)"),
    Door.HR: Words(de="Schnittstelle des Personalsystems", en="HR interface"),
    Door.BULK: Words(de="Sammeländerungen über eine Schnittstelle", en="many changes by an interface"),
    Door.SWEEP: Words(de="Abgleich", en="sweep"),
}
_NO_DATABASE = NotChecked(why=Words(de="Die Datenbank antwortet nicht.", en="The database does not answer."))


def version(facts: Facts) -> Verdict:
    """An ejabberd that works, and without known flaws."""

    def judge(release: tuple[int, int]) -> Verdict:
        shown = f"{release[0]}.{release[1]:02}"
        if release < OLDEST:
            return red(
                de=f"ejabberd {shown} ist zu alt: 23.01 ist die älteste Version, die geht.",
                en=f"ejabberd {shown} is too old: 23.01 is the oldest that works.",
            )
        if release < NEWEST_FLAWS:
            return yellow(
                de=f"ejabberd {shown} hat bekannte Schwächen (erratbare Token, SQL-Einschleusung, PLAIN mit fremdem "
                "Namen bei eigenen Passwörtern); 26.07 behebt sie. Die Anmeldung über das Verzeichnis ist nicht "
                "betroffen.",
                en=f"ejabberd {shown} has known flaws (weak tokens, SQL injection, PLAIN in another name with its own "
                "passwords); 26.07 mends them. Logins by the directory are not affected.",
            )
        return green(de=f"ejabberd {shown}.", en=f"ejabberd {shown}.")

    return judged(facts.release, judge)


def certificates(facts: Facts) -> Verdict:
    """Clients accept the certificates, today and in a month."""

    def judge(found: tuple[Certificate, ...]) -> Verdict:
        return worst(tuple(_certificate(one, now=facts.now) for one in found))

    return judged(facts.certificates, judge)


def _certificate(found: Certificate, *, now: datetime) -> Verdict:
    if found.expired:
        return red(
            de=f"Das Zertifikat von {found.address} ist abgelaufen.",
            en=f"The certificate of {found.address} has expired.",
            cure="certfiles:\n  - /etc/ejabberd/NEW-CERTIFICATE.pem",
        )
    if found.fault is not None or found.valid_until is None:
        return red(
            de=f"Programme lehnen das Zertifikat von {found.address} ab ({found.fault}). Ist es von einer eigenen "
            "Zertifizierungsstelle, nennen Sie deren Datei: doctor.ca_file.",
            en=f"Clients refuse the certificate of {found.address} ({found.fault}). If an authority of your own made "
            "it, name its file: doctor.ca_file.",
            cure="certfiles:\n  - /etc/ejabberd/NEW-CERTIFICATE.pem",
        )
    days = (found.valid_until - now).days
    if found.valid_until - now < _CERTIFICATE_SOON:
        return yellow(
            de=f"Das Zertifikat von {found.address} läuft in {days} Tagen ab.",
            en=f"The certificate of {found.address} expires in {days} days.",
        )
    return green(
        de=f"Das Zertifikat von {found.address} gilt noch {days} Tage.",
        en=f"The certificate of {found.address} is valid for {days} more days.",
    )


def clock(facts: Facts) -> Verdict:
    """Our clock, the database's and the server's agree: evidence and the end of absences hang on them."""

    def database(found: Examination) -> Verdict:
        return _clock(found.clock_off, de="der Datenbank", en="the database's")

    def server(found: Inside) -> Verdict:
        return _clock(found.clock_off, de="von ejabberd", en="ejabberd's")

    if isinstance(facts.database, Unavailable):
        known: Examination | NotChecked = _NO_DATABASE
    else:
        known = facts.database
    return worst((judged(known, database), judged(facts.inside, server)))


def _clock(off: timedelta, *, de: str, en: str) -> Verdict:
    seconds = abs(off.total_seconds())
    words = {
        "de": f"Unsere Uhr und die {de} gehen {seconds:.0f} s auseinander.",
        "en": f"Our clock and {en} differ by {seconds:.0f} s.",
    }
    if abs(off) >= _CLOCK_BROKEN:
        return red(**words)
    if abs(off) >= _CLOCK_WARNS:
        return yellow(**words)
    return green(de="Die Uhren stimmen überein.", en="The clocks agree.")


def database(facts: Facts) -> Verdict:
    """The directory's database answers, is of this version and whole."""
    known = facts.database
    if isinstance(known, Unavailable):
        return red(de=f"Die Datenbank ist nicht benutzbar: {known.why}", en=f"The database cannot be used: {known.why}")

    def judge(found: Examination) -> Verdict:
        if found.faults is None:
            return green(
                de="Die Datenbank antwortet und ist von dieser Version; ihre Unversehrtheit prüft sie selbst.",
                en="The database answers and is of this version; it watches over its integrity itself.",
            )
        if found.faults:
            return red(
                de=f"Die Datenbank ist beschädigt: {'; '.join(found.faults)}. Halten Sie den Dienst an, und spielen "
                "Sie die letzte Sicherung ein.",
                en=f"The database is damaged: {'; '.join(found.faults)}. Stop the service and restore the last backup.",
            )
        return green(
            de="Die Datenbank antwortet, ist von dieser Version und unversehrt.",
            en="The database answers, is of this version and whole.",
        )

    return judged(known, judge)


def audit_chain(facts: Facts) -> Verdict:
    """The company's audit log still is what was written."""

    def judge(found: Verification) -> Verdict:
        if found.intact:
            return green(
                de=f"Das Protokoll ist unverändert ({found.entries} Einträge).",
                en=f"The audit log is what was written ({found.entries} entries).",
            )
        first = found.problems[0]
        return red(
            de=f"Das Protokoll wurde verändert, zuerst bei Eintrag {first.number}: kleanxmpp audit verify.",
            en=f"The audit log was tampered with, first at entry {first.number}: kleanxmpp audit verify.",
        )

    return judged(facts.audit, judge)


def silence(facts: Facts) -> Verdict:
    """Every source of people is heard of as often as the company expects."""

    def judge(found: tuple[Source, ...]) -> Verdict:
        expected = [one for one in found if one.expected is not None]
        late = [one for one in expected if sources.late_since(one, now=facts.now) is not None]
        if late:
            names = [_DOORS[one.door] for one in late]
            return yellow(
                de=f"Zu lange nichts gehört von: {', '.join(name.de for name in names)}. Wer neu ist oder ausscheidet, "
                "kommt dann nicht an: Sehen Sie dort nach.",
                en=f"Not heard of for too long: {', '.join(name.en for name in names)}. Joiners and leavers do not "
                "arrive then: look there.",
            )
        if not expected:
            return green(de="Von keiner Quelle wird etwas erwartet.", en="Nothing is expected of any source.")
        return green(
            de=f"Alle erwarteten Quellen melden sich ({len(expected)}).",
            en=f"All expected sources are heard of ({len(expected)}).",
        )

    return judged(facts.sources, judge)


def disks(facts: Facts) -> Verdict:
    """There is room left where directory and server write."""

    def judge(found: tuple[Disk, ...]) -> Verdict:
        return worst(tuple(_disk(one) for one in found))

    return judged(facts.disks, judge)


def _disk(found: Disk) -> Verdict:
    free = decimal(found.free / 1e9, digits=1)
    words = {"de": f"Frei in {found.folder}: {free.de} GB.", "en": f"Free in {found.folder}: {free.en} GB."}
    if _below(found, _DISK_BROKEN):
        return red(**words)
    return yellow(**words) if _below(found, _DISK_WARNS) else green(**words)


def _below(found: Disk, limit: tuple[float, int]) -> bool:
    share, floor = limit
    return found.free < floor and found.free < share * found.total


def backups(facts: Facts) -> Verdict:
    """There is a fresh copy of the directory, the only thing that cannot be made anew."""

    def judge(found: Backup | None) -> Verdict:
        if found is None:
            return yellow(
                de="Es ist nicht eingestellt, wo die Sicherungen des Verzeichnisses liegen.",
                en="It is not set where the backups of the directory are.",
                cure='# in kleanxmpp.toml\n[doctor]\nbackup_path = "/var/backups/kleanxmpp"',
            )
        return _backup(found, now=facts.now)

    return judged(facts.backup, judge)


def _backup(found: Backup, *, now: datetime) -> Verdict:
    if found.made_at is None or not found.size:
        return red(de=f"In {found.place} liegt keine Sicherung.", en=f"There is no backup in {found.place}.")
    age = now - found.made_at
    hours = int(age.total_seconds() // 3600)
    words = {"de": f"Die letzte Sicherung ist {hours} Stunden alt.", "en": f"The last backup is {hours} hours old."}
    if age >= _BACKUP_BROKEN:
        return red(**words)
    return yellow(**words) if age >= _BACKUP_WARNS else green(**words)
