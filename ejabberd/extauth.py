"""ejabberd's login program: answers its questions on stdin from the directory, on stdout.

    python -m ejabberd.extauth CONFIG.toml

Whatever goes wrong is answered with "no", told to the log, and tried afresh with the next question: an
error never opens a door, and never needs a restart. ejabberd starts several of these, so only the
standard library is loaded (asyncpg only for PostgreSQL).
"""

import hashlib
import hmac
import os
import struct
import sys
import time
import tomllib
from dataclasses import dataclass, field
from typing import BinaryIO

from ejabberd.logins import Logins, LookupFailed, open_logins

_LOG_PAUSE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtauthConfig:
    """The program's own file (mode 0640, root:ejabberd)."""

    database: str = field(repr=False)
    api_user: str
    """Bare JID of the service account of the HTTP API: the only login that is not in the directory."""
    api_password_sha256: str = field(repr=False)
    log_file: str | None = None
    """None: stderr, which ejabberd passes on to its own (the journal, under systemd)."""


class Log:
    """Lines for the operator; the same reason at most once in ten seconds."""

    def __init__(self) -> None:
        self.file: str | None = None
        self._last: dict[str, float] = {}

    def write(self, reason: str) -> None:
        """Write one line. Never raises: not being able to complain must not change an answer."""
        now = time.monotonic()
        if now - self._last.get(reason, -_LOG_PAUSE) < _LOG_PAUSE:
            return
        if len(self._last) > 100:
            self._last.clear()
        self._last[reason] = now
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} kleanxmpp-extauth[{os.getpid()}]: {reason}\n"
        try:
            if self.file is None:
                sys.stderr.write(line)
                sys.stderr.flush()
            else:
                with open(self.file, "a", encoding="utf-8") as file:
                    file.write(line)
        except OSError:
            pass


class Answerer:
    """Answers one question after the other. Re-reads its configuration when the file has changed."""

    def __init__(self, config_file: str, *, log: Log) -> None:
        self._config_file = config_file
        self._log = log
        self._stamp: tuple[int, int] | None = None
        self._config: ExtauthConfig | None = None
        self._logins: Logins | None = None

    def answer(self, question: bytes) -> bool:
        """Answer a question as ejabberd sends it. Never raises."""
        try:
            return self._answer(question)
        except LookupFailed as error:
            self._log.write(f"answered no: {error}")
        except Exception as error:  # the last line of defence: no error may end the program or open a door
            self._log.write(f"answered no: unexpected {type(error).__name__}")
        return False

    def close(self) -> None:
        """Let go of the database."""
        if self._logins is not None:
            self._logins.close()
            self._logins = None

    def _answer(self, question: bytes) -> bool:
        try:
            operation, _, rest = question.decode("utf-8").partition(":")
        except UnicodeDecodeError:
            raise LookupFailed("a question that is not UTF-8") from None
        if operation == "auth" and rest.count(":") >= 2:
            username, domain, password = rest.split(":", 2)
            return self._accepts(username, domain, password)
        if operation == "isuser" and rest.count(":") == 1:
            username, domain = rest.split(":")
            return self._directory().may_log_in(domain, username)
        if operation == "removeuser":
            # We store nothing here. "Yes" lets ejabberd's `unregister` go on and erase what it keeps.
            return True
        if operation not in ("setpass", "tryregister", "removeuser3", "certauth"):
            self._log.write("answered no: a question of an unknown kind")
        return False

    def _accepts(self, username: str, domain: str, password: str) -> bool:
        config = self._read_config()
        secret = hashlib.sha256(password.encode()).hexdigest()
        if f"{username}@{domain}" == config.api_user:
            return hmac.compare_digest(secret, config.api_password_sha256)
        return self._directory().accepts(domain, username, secret)

    def _directory(self) -> Logins:
        config = self._read_config()
        if self._logins is None:
            self._logins = open_logins(config.database)
        return self._logins

    def _read_config(self) -> ExtauthConfig:
        try:
            status = os.stat(self._config_file)
            stamp = (status.st_ino, status.st_mtime_ns)
            if self._config is None or stamp != self._stamp:
                config = read_config(self._config_file)
                self.close()
                self._config, self._stamp = config, stamp
                self._log.file = self._config.log_file
        except OSError as error:
            raise LookupFailed(f"the configuration cannot be read: {error.strerror}") from error
        return self._config


def read_config(file: str) -> ExtauthConfig:
    """Read the program's TOML file; LookupFailed names what is wrong with it, not what stands in it."""
    with open(file, "rb") as source:
        try:
            values = tomllib.load(source)
            return ExtauthConfig(**values)
        except tomllib.TOMLDecodeError:
            raise LookupFailed("the configuration is not valid TOML") from None
        except TypeError:
            raise LookupFailed("the configuration has missing or unknown keys") from None


def serve(questions: BinaryIO, answers: BinaryIO, answerer: Answerer, *, log: Log) -> int:
    """Answer until ejabberd closes the pipe; return the exit code."""
    while head := questions.read(2):
        (size,) = struct.unpack(">H", head.ljust(2, b"\0"))
        question = questions.read(size)
        if len(head) < 2 or len(question) < size:
            log.write("the pipe was cut within a question")
            return 1
        answers.write(struct.pack(">HH", 2, answerer.answer(question)))
        answers.flush()
    return 0


def main() -> None:
    """Run as console script `kleanxmpp-extauth CONFIG.toml`."""
    if len(sys.argv) != 2:
        sys.exit("usage: kleanxmpp-extauth CONFIG.toml")
    log = Log()
    answerer = Answerer(sys.argv[1], log=log)
    try:
        sys.exit(serve(sys.stdin.buffer, sys.stdout.buffer, answerer, log=log))
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)


if __name__ == "__main__":
    main()
