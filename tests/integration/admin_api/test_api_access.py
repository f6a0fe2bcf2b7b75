"""Who may call, in which company, with what: tokens, scopes, and the shape of requests."""

import gzip

import pytest

from tests.integration.admin_api.desk import Desk


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", "Basic YTpi", "Bearer klean_\u00e4", "Bearer a b", "bearer " + "x" * 300],
)
async def test_without_a_valid_token_nothing_is_said(quick_desk: Desk, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await quick_desk.call("GET", "/users", token=None, headers=headers)
    assert (answer.status, answer.problem) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_revoked_token_is_refused_at_once(desk: Desk) -> None:
    issued = await desk.call("POST", "/tokens", {"name": "HR sync", "scopes": ["users:read"]})
    assert issued.status == 201
    secret, token_id = issued.body["token"], issued.body["id"]
    assert (await desk.call("GET", "/users", token=secret)).status == 200
    listed = await desk.call("GET", "/tokens")
    assert {"HR sync", "admin"} <= {token["name"] for token in listed.body["items"]}
    assert secret not in listed.text
    assert (await desk.call("DELETE", f"/tokens/{token_id}")).status == 204
    assert (await desk.call("GET", "/users", token=secret)).status == 401
    assert (await desk.call("DELETE", f"/tokens/{token_id}")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/users", "users:read"),
        ("POST", "/users", "users:write"),
        ("POST", "/users/x/credentials", "credentials:write"),
        ("GET", "/users/x/credentials", "users:read"),
        ("POST", "/users/x/links", "credentials:write"),
        ("DELETE", "/users/x/links/x", "credentials:write"),
        ("GET", "/users/x/links", "users:read"),
        ("GET", "/users/x/offboardings", "users:read"),
        ("GET", "/groups", "groups:read"),
        ("PUT", "/groups/x/members", "groups:write"),
        ("GET", "/tokens", "tokens:write"),
        ("GET", "/audit", "audit:read"),
        ("GET", "/audit/export", "audit:read"),
        ("GET", "/audit/verification", "audit:read"),
        ("GET", "/status", "status:read"),
        ("POST", "/reconcile", "reconcile:write"),
        ("GET", "/company", "admin"),
    ],
)
async def test_a_missing_scope_is_named_and_the_right_one_suffices(
    quick_desk: Desk, method: str, path: str, scope: str
) -> None:
    others = [one for one in ("users:read", "groups:read", "audit:read") if one != scope]
    refused = await quick_desk.call(method, path, token=await quick_desk.token_for(*others))
    assert (refused.status, refused.problem) == (403, "missing-scope")
    assert scope in refused.body["detail"]
    assert f'scope="{scope}"' in refused.headers["WWW-Authenticate"]
    allowed = await quick_desk.call(method, path, token=await quick_desk.token_for(scope))
    assert allowed.status not in {401, 403}


async def test_a_token_cannot_hand_out_what_it_lacks(quick_desk: Desk) -> None:
    small = await quick_desk.token_for("tokens:write", "users:read")
    for scopes, status in ((["users:read"], 201), (["users:write"], 403), (["admin"], 403)):
        answer = await quick_desk.call("POST", "/tokens", {"name": "x", "scopes": scopes}, token=small)
        assert answer.status == status, answer.text
    assert answer.problem == "missing-scope"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["admin"]}, "name"),
        ({"name": " ", "scopes": ["admin"]}, "name"),
        ({"name": "x"}, "scopes"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["users:fly"]}, "scopes.0"),
        ({"name": "x", "scopes": "admin"}, "scopes"),
        ({"name": "x", "scopes": ["admin"], "company_id": None}, "company_id"),
    ],
)
async def test_a_bad_field_of_a_token_is_named(quick_desk: Desk, body: object, field: str) -> None:
    answer = await quick_desk.call("POST", "/tokens", body)
    assert (answer.status, answer.fields) == (422, [field])


async def test_the_operator_names_the_company(desk: Desk) -> None:
    await desk.person()
    await desk.company_named("andere.test")
    operator = await desk.token_for("admin", operator=True)
    for company, status, problem in (
        (None, 422, "company-needed"),
        ("unknown.test", 404, "unknown-company"),
        ("not a domain", 404, "unknown-company"),
        ("", 404, "unknown-company"),
    ):
        headers = {} if company is None else {"X-Company": company}
        answer = await desk.call("GET", "/users", token=operator, headers=headers)
        assert (answer.status, answer.problem) == (status, problem)
    for company, people in (("FIRMA.test", 1), ("andere.test", 0)):
        answer = await desk.call("GET", "/users", token=operator, headers={"X-Company": company})
        assert len(answer.body["items"]) == people


async def test_a_company_token_stays_in_its_company(quick_desk: Desk) -> None:
    await quick_desk.company_named("andere.test")
    for company, status in (("firma.test", 200), ("andere.test", 403)):
        answer = await quick_desk.call("GET", "/users", headers={"X-Company": company})
        assert answer.status == status
    assert answer.problem == "other-company"


async def test_only_the_operator_switches_a_company_off(desk: Desk) -> None:
    changed = await desk.call("PATCH", "/company", {"name": "Firma Neu", "contacts_max": 100, "locale": "en"})
    assert (changed.status, changed.body["name"], changed.body["contacts_max"]) == (200, "Firma Neu", 100)
    assert (await desk.call("GET", "/company")).body == changed.body
    refused = await desk.call("PATCH", "/company", {"enabled": False})
    assert (refused.status, refused.problem) == (403, "other-company")
    assert (await desk.call("GET", "/company")).body["enabled"] is True


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"contacts_max": -1}, "contacts_max"),
        ({"contacts_max": 10**6}, "contacts_max"),
        ({"contact_visibility": "world"}, "contact_visibility"),
        ({"locale": "fr"}, "locale"),
        ({"domain": "other.test"}, "domain"),
    ],
)
async def test_a_bad_field_of_a_company_is_named(quick_desk: Desk, body: object, field: str) -> None:
    answer = await quick_desk.call("PATCH", "/company", body)
    assert (answer.status, answer.fields) == (422, [field])


async def test_devices_are_set_up_listed_and_revoked(desk: Desk) -> None:
    user = await desk.person()
    path = f"/users/{user['id']}/credentials"
    issued = await desk.call("POST", path, {"label": "Diensthandy"})
    body = issued.body
    assert (issued.status, body["jid"], body["label"]) == (201, user["jid"], "Diensthandy")
    assert (body["xmpp_host"], body["xmpp_port"]) == ("xmpp.firma.test", 5222)
    assert (body["websocket_url"], body["rooms_domain"]) == ("wss://xmpp.firma.test/ws", "gruppen.firma.test")
    listed = await desk.call("GET", path)
    assert [one["id"] for one in listed.body["items"]] == [body["id"]]
    assert body["credential"] not in listed.text
    assert (await desk.call("POST", path)).body["label"] == ""
    assert (await desk.call("DELETE", f"{path}/{body['id']}")).status == 204
    assert (await desk.call("DELETE", f"{path}/{body['id']}")).status == 404
    for bad in ({"label": "x" * 101}, {"label": "a\u0000"}, {"label": None}):
        answer = await desk.call("POST", path, bad)
        assert (answer.status, answer.fields) == (422, ["label"])


async def test_a_body_must_be_json_of_a_sane_size(quick_desk: Desk) -> None:
    async def post(data: bytes, **headers: str) -> tuple[int, str]:
        answer = await quick_desk.call(
            "POST", "/users", headers={"Content-Type": "application/json", **headers}, data=data
        )
        return answer.status, answer.problem

    assert await post(b"{") == (400, "malformed-json")
    assert await post(b"") == (400, "malformed-json")
    assert await post(b"\xff\xfe") == (400, "malformed-json")
    assert await post(b'{"display_name": "\\ud800"}') == (400, "malformed-json")
    assert await post(b"[" * 100_000) == (400, "malformed-json")
    assert await post(b"{}", **{"Content-Type": "text/plain"}) == (415, "unsupported-media-type")
    assert await post(b"a=b", **{"Content-Type": "application/x-www-form-urlencoded"}) == (
        415,
        "unsupported-media-type",
    )
    assert await post(b" " * 200_001) == (413, "body-too-large")
    assert await post(gzip.compress(b" " * 3_000_000), **{"Content-Encoding": "gzip"}) == (413, "body-too-large")


async def test_an_empty_body_is_enough_where_nothing_is_needed(quick_desk: Desk) -> None:
    user = await quick_desk.person()
    for data, content_type in ((b"", "text/plain"), (b"", "application/json"), (b"{}", "application/json")):
        answer = await quick_desk.call(
            "POST", f"/users/{user['id']}/deactivate", headers={"Content-Type": content_type}, data=data
        )
        assert answer.status == 202
    answer = await quick_desk.call("PATCH", f"/users/{user['id']}")
    assert answer.status == 415


async def test_unknown_addresses_and_methods_are_problems_too(quick_desk: Desk) -> None:
    answer = await quick_desk.call("GET", "/nowhere")
    assert (answer.status, answer.problem) == (404, "not-found")
    answer = await quick_desk.call("DELETE", "/users")
    assert (answer.status, answer.problem, answer.headers["Allow"]) == (405, "method-not-allowed", "GET,HEAD,POST")
    for bad in ("/users/%00", "/users/..%2F", "/users/ä", f"/users/{'x' * 65}"):
        assert (await quick_desk.call("GET", bad)).status == 404
