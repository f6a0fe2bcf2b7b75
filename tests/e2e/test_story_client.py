"""Any XMPP client will do: the web chat's way in, and a client from Debian."""

import asyncio
import os
import shutil

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import Service
from tests.e2e.staff import Login, LoginRefused, Staff
from tests.e2e.websocket_login import browser

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLIENT = shutil.which("go-sendxmpp")


async def go_sendxmpp(who: Login, to: str, text: str) -> tuple[int, str]:
    """Send a message with Debian's go-sendxmpp; return its exit code and what it said."""
    assert CLIENT, "go-sendxmpp is missing: apt-get install go-sendxmpp"
    process = await asyncio.create_subprocess_exec(
        CLIENT, "-j", f"{who.host}:{who.port}", "-u", who.jid, "-p", who.credential, "--timeout", "20", to,
        env={"PATH": os.defpath, "HOME": "/nonexistent", "SSL_CERT_FILE": who.ca_file},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate(text.encode())
    assert process.returncode is not None
    return process.returncode, said.decode(errors="replace")


async def test_debians_go_sendxmpp_writes_and_is_refused_after_leaving(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone = await staff.login(bernd.login)
    text = new_name("Gruß aus der Konsole")
    code, said = await go_sendxmpp(anna.login, bernd.jid, text)
    assert code == 0, said
    message = await phone.wait_for("message", body=lambda body: (body or "").strip() == text)
    assert str(message.facts["from"]).startswith(anna.jid + "/")

    await service.api("POST", f"/users/{anna.id}/deactivate", {}, wait=20, expect=200)
    phone.forget()
    code, said = await go_sendxmpp(anna.login, bernd.jid, "Noch da")
    assert code != 0 and "auth failure" in said
    await phone.has_nothing("message")


async def test_a_browser_logs_in_chats_and_is_out_when_its_person_leaves(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    team = await service.found("Nord", members=[anna, bernd])
    phone = await staff.login(bernd.login)
    await phone.join(team.room, bernd.name)
    async with browser(service.ejabberd.websocket_url, service.tls) as tab:
        await tab.log_in(anna.login)
        text = new_name("Aus dem Browser")
        await tab.send(f"<message xmlns='jabber:client' to='{bernd.jid}' type='chat'><body>{text}</body></message>")
        await phone.wait_for("message", body=text, **{"from": tab.jid})
        muc = "<x xmlns='http://jabber.org/protocol/muc'/>"
        await tab.send(f"<presence xmlns='jabber:client' to='{team.room}/{anna.name}'>{muc}</presence>")
        await phone.wait_for("presence", type="available", **{"from": f"{team.room}/{anna.name}"})

        await service.api("POST", f"/users/{anna.id}/deactivate", {}, wait=20, expect=200)
        assert await tab.closed() == "policy-violation"
    await phone.wait_for("presence", type="unavailable", **{"from": f"{team.room}/{anna.name}"})
    async with browser(service.ejabberd.websocket_url, service.tls) as tab:
        with pytest.raises(LoginRefused, match="login: not-authorized"):
            await tab.log_in(anna.login)


async def test_a_login_without_tls_or_with_a_wrong_secret_is_refused(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    wrong = Login(
        jid=anna.jid, credential=bernd.login.credential, host=anna.login.host, port=anna.login.port,
        ca_file=anna.login.ca_file,
    )  # fmt: skip
    refused = await staff.refused_login(wrong)
    assert (refused.step, refused.condition) == ("login", "not-authorized")
    reader, writer = await asyncio.open_connection(anna.login.host, anna.login.port)
    domain = anna.jid.partition("@")[2]
    writer.write(
        f"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='{domain}' "
        "version='1.0'>".encode()
    )
    features = await asyncio.wait_for(reader.readuntil(b"</stream:features>"), 10)
    assert b"starttls" in features and b"PLAIN" not in features and b"mechanism" not in features
    writer.close()
    await writer.wait_closed()
