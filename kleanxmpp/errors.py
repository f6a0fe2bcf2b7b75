"""Every error that may cross a border of the core.

Each border translates its own errors into these in exactly one place: the database driver in
`kleanxmpp.db`, stanza and API errors of the server in `component` and `ejabberd`, and these into HTTP
problems or stanza errors on the way out. The docstring of a class is its default message.
"""

from datetime import datetime


class KleanError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or type(self).__name__)


class NotFound(KleanError):
    """There is nothing with this identifier in the company."""


class Conflict(KleanError):
    """Another entry already holds this value. Choose a different one."""

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Stale(KleanError):
    """Somebody else changed this in the meantime. Read it again and repeat your change."""


class Repeated(KleanError):
    """The message was taken before. It is not carried out again."""


class Invalid(KleanError):
    """The value is not acceptable."""

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InBatch(KleanError):
    """One of several things was refused. `index` says which of them, the cause why."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index


class NotInstalled(KleanError):
    """A part that only this needs is not installed on this machine. The message says which."""


class TooLarge(Invalid):
    """The file is too large. `limit` is how many bytes one may have."""

    def __init__(self, message: str | None = None, *, limit: int) -> None:
        super().__init__(message, field="size")
        self.limit = limit


class Forbidden(KleanError):
    """The person may not do this, or not any more."""


class QuotaExceeded(KleanError):
    """The allowance of the day is used up. `until` is when there is a new one."""

    def __init__(self, message: str | None = None, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class DirectoryUnavailable(KleanError):
    """The directory's database does not answer. Nothing was changed; try again."""


class Damaged(KleanError):
    """What is stored cannot be read: somebody changed it past the program."""


class UnsafePlan(KleanError):
    """The plan would remove more than the allowed share. Look at it, then repeat with force."""


class ServerError(KleanError):
    """The XMPP server did not do what was asked. Raise one of the two kinds below, never this one."""


class Temporary(ServerError):
    """The XMPP server cannot do this now (away, busy, restarting). Trying again later helps."""


class StoreUnavailable(Temporary):
    """Files cannot be written or removed on the disk right now. Look at its space and who may write there."""


class Permanent(ServerError):
    """The XMPP server refuses this, and will refuse it again until somebody changes something."""
