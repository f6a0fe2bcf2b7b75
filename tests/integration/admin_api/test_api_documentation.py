"""The OpenAPI document and the pages: valid, complete, and without any other host."""

import re
from dataclasses import replace

import pytest
from openapi_spec_validator import validate

from admin_api.problem_kinds import KINDS
from kleanxmpp import tokens
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import SETTINGS, Desk, opened

# design.md section 7, the table of HTTP routes, as far as it is served
PROMISED = {
    ("GET", "/api/v1/users"), ("POST", "/api/v1/users"),
    ("GET", "/api/v1/users/{user_id}"), ("PATCH", "/api/v1/users/{user_id}"), ("DELETE", "/api/v1/users/{user_id}"),
    ("PUT", "/api/v1/users/by-external-id/{external_id}"),
    ("POST", "/api/v1/users/{user_id}/deactivate"), ("POST", "/api/v1/users/{user_id}/reactivate"),
    ("GET", "/api/v1/users/{user_id}/access"),
    ("GET", "/api/v1/users/{user_id}/photo"), ("PUT", "/api/v1/users/{user_id}/photo"),
    ("DELETE", "/api/v1/users/{user_id}/photo"),
    ("GET", "/api/v1/users/{user_id}/offboardings"),
    ("GET", "/api/v1/users/{user_id}/offboardings/{offboarding_id}"),
    ("GET", "/api/v1/users/{user_id}/offboardings/{offboarding_id}.pdf"),
    ("GET", "/api/v1/users/{user_id}/credentials"), ("POST", "/api/v1/users/{user_id}/credentials"),
    ("DELETE", "/api/v1/users/{user_id}/credentials/{credential_id}"),
    ("GET", "/api/v1/users/{user_id}/links"), ("POST", "/api/v1/users/{user_id}/links"),
    ("DELETE", "/api/v1/users/{user_id}/links/{link_id}"), ("POST", "/api/v1/users/{user_id}/chat-sessions"),
    ("GET", "/api/v1/groups"), ("POST", "/api/v1/groups"),
    ("GET", "/api/v1/groups/{group_id}"), ("PATCH", "/api/v1/groups/{group_id}"),
    ("DELETE", "/api/v1/groups/{group_id}"),
    ("POST", "/api/v1/groups/{group_id}/archive"), ("POST", "/api/v1/groups/{group_id}/restore"),
    ("GET", "/api/v1/groups/{group_id}/members"), ("PUT", "/api/v1/groups/{group_id}/members"),
    ("PATCH", "/api/v1/groups/{group_id}/members"),
    ("PUT", "/api/v1/groups/{group_id}/members/{user_id}"), ("DELETE", "/api/v1/groups/{group_id}/members/{user_id}"),
    ("POST", "/api/v1/groups/{group_id}/rule/preview"), ("GET", "/api/v1/groups/{group_id}/explain"),
    ("GET", "/api/v1/groups/{group_id}/exceptions"), ("GET", "/api/v1/groups/{group_id}/exceptions/{user_id}"),
    ("PUT", "/api/v1/groups/{group_id}/exceptions/{user_id}"),
    ("DELETE", "/api/v1/groups/{group_id}/exceptions/{user_id}"),
    ("GET", "/api/v1/users/{user_id}/files"), ("DELETE", "/api/v1/files/{file_id}"),
    ("POST", "/api/v1/import"), ("GET", "/api/v1/export/users.csv"),
    ("GET", "/api/v1/company"), ("PATCH", "/api/v1/company"),
    ("GET", "/api/v1/tokens"), ("POST", "/api/v1/tokens"), ("DELETE", "/api/v1/tokens/{token_id}"),
    ("GET", "/api/v1/webhooks"), ("POST", "/api/v1/webhooks"),
    ("GET", "/api/v1/webhooks/{webhook_id}"), ("PATCH", "/api/v1/webhooks/{webhook_id}"),
    ("DELETE", "/api/v1/webhooks/{webhook_id}"), ("POST", "/api/v1/webhooks/{webhook_id}/rotate-secret"),
    ("POST", "/api/v1/webhooks/{webhook_id}/test"), ("GET", "/api/v1/webhooks/{webhook_id}/deliveries"),
    ("POST", "/api/v1/webhooks/{webhook_id}/replay"),
    ("GET", "/api/v1/audit"), ("GET", "/api/v1/audit/export"), ("GET", "/api/v1/audit/verification"),
    ("GET", "/api/v1/status"), ("GET", "/api/v1/doctor"), ("POST", "/api/v1/reconcile"),
    ("GET", "/api/v1/held"), ("POST", "/api/v1/held/{hold_id}/confirm"), ("POST", "/api/v1/held/{hold_id}/discard"),
    ("POST", "/api/v1/bulk"),
    ("GET", "/api/v1/scheduled"), ("POST", "/api/v1/scheduled"), ("GET", "/api/v1/scheduled/{change_id}"),
    ("PATCH", "/api/v1/scheduled/{change_id}"), ("DELETE", "/api/v1/scheduled/{change_id}"),
    ("POST", "/api/v1/hooks/hr"), ("GET", "/api/v1/hooks/hr/secrets"), ("POST", "/api/v1/hooks/hr/secrets"),
    ("DELETE", "/api/v1/hooks/hr/secrets/{secret_id}"),
    ("GET", "/healthz"), ("GET", "/readyz"),
}  # fmt: skip


async def test_the_document_is_valid_and_has_every_promised_route(quick_desk: Desk) -> None:
    answer = await quick_desk.call("GET", "/api/openapi.json", token=None)
    document = answer.body
    validate(document)
    assert document["openapi"].startswith("3.1")
    served = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert served == PROMISED


async def test_the_document_names_the_public_address() -> None:
    async with opened(
        MemoryDirectory(), settings=replace(SETTINGS, public_url="https://chat.example.org/admin")
    ) as desk:
        document = (await desk.call("GET", "/api/openapi.json", token=None)).body
    assert document["servers"] == [{"url": "https://chat.example.org/admin"}]


async def test_every_operation_is_told_whole(quick_desk: Desk) -> None:
    document = (await quick_desk.call("GET", "/api/openapi.json", token=None)).body
    ids = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            ids.add(operation["operationId"])
            assert operation["summary"], where
            assert operation["description"].rstrip(".") != operation["summary"], where
            problems = {status for status in operation["responses"] if int(status) >= 400}
            assert {"500", "503"} <= problems, where
            if path.startswith("/api/v1"):
                (security,) = operation["security"]
                signed = security == {"signature": []}
                assert signed or set(security["token"]) <= tokens.SCOPES.keys(), where
                assert {"401", "404", "422", "429"} | (set() if signed else {"403"}) <= problems, where
                told = {parameter["name"] for parameter in operation.get("parameters", ())}
                assert ("dry_run" in told) or method == "get" or "Without a dry run: " in operation["description"], (
                    where
                )
                # What is answered about a file of people is not kept: it would outlive the erasure of those in it.
                repeatable = method == "post" and not signed and path != "/api/v1/import"
                assert ("Idempotency-Key" in told) == repeatable, where
            if "requestBody" in operation:
                unread = {"400"} if path.endswith("/photo") else set()  # a picture has no form that could be malformed
                assert {"400", "413", "415", "422"} - unread <= problems, where
            for status in problems:
                assert "application/problem+json" in operation["responses"][status]["content"], where
    assert len(ids) == len(PROMISED)


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/style.css", "/problems/stale"])
async def test_pages_ask_no_other_host_and_run_no_script(quick_desk: Desk, path: str) -> None:
    answer = await quick_desk.call("GET", path, token=None)
    assert answer.status == 200
    assert not re.search(r"<script|javascript:|@import|url\(|\bon\w+=|style=", answer.text)
    links = re.findall(r'(?:href|src)="([^"]*)"', answer.text)
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in links)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_the_docs_page_has_every_operation_and_field(quick_desk: Desk) -> None:
    page = (await quick_desk.call("GET", "/api/docs", token=None)).text
    document = (await quick_desk.call("GET", "/api/openapi.json", token=None)).body
    for path, item in document["paths"].items():
        assert path in page
        for operation in item.values():
            assert f'id="{operation["operationId"]}"' in page
    for link in set(re.findall(r'href="#([^"]+)"', page)):
        assert f'id="{link}"' in page
    for scope in tokens.SCOPES:
        assert f"<code>{scope}</code>" in page


async def test_every_kind_of_problem_has_a_page(quick_desk: Desk) -> None:
    for kind in KINDS.values():
        answer = await quick_desk.call("GET", kind.uri, token=None)
        assert (answer.status, kind.uri in answer.text) == (200, True)
    page = (await quick_desk.call("GET", "/api/docs", token=None)).text
    for link in set(re.findall(r'href="(/problems/[^"]+)"', page)):
        assert link.removeprefix("/problems/") in KINDS
