"""What the demo tells those who try it: addresses, links and logins, as a file for programs and on the screen."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from ejabberd.launcher import PrivateServer
from kleanxmpp.cli.wiring import Service
from kleanxmpp.model import Company, Group, User

_SHOWN = 8


def facts_of(
    service: Service,
    server: PrivateServer,
    company: Company,
    people: Sequence[User],
    circles: Sequence[Group],
    logins: Mapping[str, str],
    *,
    token: str,
    api_key: tuple[str, str],
) -> Mapping[str, Any]:
    """Return what callers of the demo need: addresses, people with their logins by the people's ids, groups.

    `api_key`: user and password of ejabberd's own API.
    """
    key = ":".join(quote(part, safe="") for part in api_key)
    rooms = f"{server.config.rooms_prefix}.{company.domain}"
    return {
        "company": company.name,
        "api_url": service.api_url,
        "admin_token": token,
        "domain": company.domain,
        "rooms_domain": rooms,
        "xmpp_host": server.host,
        "xmpp_port": server.c2s_port,
        "websocket_url": server.websocket_url,
        "ca_file": str(server.ca_file),
        "files_url": f"{service.api_url}/files",
        # with the credential inside: callers of this one address need nothing else, and the file is ours alone
        "ejabberd_api_url": server.api_url.replace("://", f"://{key}@", 1),
        "users": [
            {
                "id": user.id,
                "username": user.username,
                "jid": f"{user.username}@{company.domain}",
                "display_name": user.display_name,
                "credential": logins[user.id],
            }
            for user in people
        ],
        "groups": [{"id": g.id, "slug": g.slug, "room": f"{g.slug}@{rooms}"} for g in circles],
    }


def write(file: Path, facts: Mapping[str, Any]) -> None:
    """Write them as JSON into a file that only we read: there are secrets among them."""
    file.touch(mode=0o600)
    file.write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n")


def show(console: Console, facts: Mapping[str, Any], file: Path) -> None:
    """Tell people where to begin. `file`: where the rest stands."""
    console.print(f"\n[bold]{facts['company']}[/bold] (a demo company) is at work: "
                  f"{len(facts['users'])} people, {len(facts['groups'])} groups.\n")  # fmt: skip
    console.print("In the browser, with links that sign in once (the dashboard) or three times (the chat):\n")
    for who, link in (("as administrator", facts["dashboard_link"]), *facts["join_links"].items()):
        console.print(f"{link}  {who}", soft_wrap=True, highlight=False)
    console.print()
    addresses = Table.grid(padding=(0, 2))
    for label, value in (
        ("Admin API", f"{facts['api_url']}/api/docs"),
        ("Admin token", facts["admin_token"]),
        ("XMPP server", f"{facts['xmpp_host']}:{facts['xmpp_port']} (STARTTLS), domain {facts['domain']}"),
        ("Web socket", facts["websocket_url"]),
        ("CA file", facts["ca_file"]),
        ("Assistant", f"klean@klean.{facts['domain']}"),
    ):
        addresses.add_row(label, value)
    console.print(addresses)
    console.print(f"\nThe first {_SHOWN} logins; the credential is the password:\n")
    for user in facts["users"][:_SHOWN]:
        line = f"{user['jid']:<36}{user['credential']}  {user['display_name']}"
        console.print(line, soft_wrap=True, highlight=False)
    console.print()
    console.print(f"All of them, for programs: {file}\nCtrl-C ends the demo.", soft_wrap=True, highlight=False)
