"""`kleanxmpp webhook …` on a directory of its own, with a real receiver."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run
from tests.receiver import Receiver, receiving


@contextmanager
def receiver_beside() -> Iterator[Receiver]:
    """Run a receiver in a thread of its own, because a command runs its own loop."""
    ready, done = threading.Event(), threading.Event()
    found: list[Receiver] = []

    async def serve() -> None:
        async with receiving() as receiver:
            found.append(receiver)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        done.set()
        thread.join()


@pytest.fixture
def run_here(run: Run, home: Path) -> Run:
    with (home / "kleanxmpp.toml").open("a") as file:
        file.write('[webhooks]\nallow_private = ["127.0.0.1"]\n')
    return run


def test_a_webhook_is_added_tried_told_again_and_removed(run_here: Run) -> None:
    with receiver_beside() as receiver:
        made = run_here("webhook", "add", receiver.url, "--type", "user.updated", "--json").json
        assert made["secret"].startswith("whsec_") and made["types"] == ["user.updated"]
        listed = run_here("webhook", "list", "--json")
        assert made["secret"] not in listed.out and listed.json[0]["id"] == made["id"]
        table = run_here("webhook", "list").out.splitlines()
        assert table[0].split()[:3] == ["ID", "URL", "ENABLED"]

        tried = run_here("webhook", "test", made["id"])
        assert (tried.code, tried.out.startswith("Delivered in ")) == (0, True)
        (message,) = receiver.messages
        assert message.type == "webhook.test" and message.is_signed_by(made["secret"])
        receiver.usual = 500
        bad = run_here("webhook", "test", made["id"], "--json")
        assert (bad.code, bad.json["delivered"], bad.json["error"]) == (1, False, "The receiver answered 500.")

    assert run_here("user", "add", "Zoë Neu").code == 0
    assert (
        run_here("webhook", "replay", made["id"], "--since", "2026-01-01T00:00:00Z").out == "1 events are told again.\n"
    )
    assert run_here("webhook", "replay", made["id"], "--failed", "--json").json["events"] == 0
    assert run_here("webhook", "replay", made["id"]).code == 1
    assert run_here("webhook", "replay", made["id"], "--event", "gone").code == 1
    assert run_here("webhook", "remove", made["id"]).out == "Removed.\n"
    assert run_here("webhook", "remove", made["id"]).code == 1


def test_an_address_that_is_not_public_needs_the_settings(run: Run) -> None:
    refused = run("webhook", "add", "http://127.0.0.1/hook")
    assert refused.code == 1 and "https" in refused.err
    odd = run("webhook", "add", "https://app.example.org/", "--type", "user.deleted")
    assert odd.code == 1 and "user.offboarded" in odd.err
    plain = run("webhook", "add", "https://app.example.org/")
    assert "cannot be shown again" in plain.out


def test_settings_that_name_no_network_are_refused(run: Run, home: Path) -> None:
    with (home / "kleanxmpp.toml").open("a") as file:
        file.write('[webhooks]\nallow_private = ["10.0.0.0/99"]\n')
    refused = run("webhook", "list")
    assert refused.code == 1 and "webhooks.allow_private" in refused.err
