"""Which id_tokens are believed."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from admin_api.oidc import id_tokens
from admin_api.oidc.troubles import UnknownKey, Untrusted

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER, CLIENT, NONCE = "https://login.firma.test", "chat", "n-1"
RIGHT = {
    "iss": ISSUER, "sub": "emp-1", "aud": CLIENT, "exp": SECONDS + 300, "iat": SECONDS, "nonce": NONCE,
}  # fmt: skip
KEY = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "1"})
CURVE = ECKey.generate_key("P-256", {"kid": "2"})
FOR_SECRETS = RSAKey.import_key(OTHER.as_dict(private=False) | {"kid": "3", "use": "enc"})
PUBLISHED = [
    {"kty": "oct", "kid": "1", "k": "c2VjcmV0"}, {"kty": "AKP", "alg": "ML-DSA-44"}, {"kty": "RSA", "n": 3}, "?",
    FOR_SECRETS.as_dict(private=False), KEY.as_dict(private=False), CURVE.as_dict(private=False),
]  # fmt: skip


def checked(token: object) -> Any:
    keys = id_tokens.keys_of(PUBLISHED)
    return id_tokens.checked(token, keys=keys, issuer=ISSUER, client_id=CLIENT, nonce=NONCE, now=NOW)


def signed(claims: dict[str, Any], *, key: Any = KEY, **header: Any) -> str:
    kept = {name: value for name, value in (RIGHT | claims).items() if value is not None}
    header = {"alg": "RS256", "kid": key.kid} | header
    return jwt.encode({name: value for name, value in header.items() if value}, kept, key, [header["alg"]])


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_hmac(key: bytes) -> str:
    text = f"{encoded({'alg': 'HS256', 'kid': '1'})}.{encoded(RIGHT)}"
    return f"{text}.{base64.urlsafe_b64encode(hmac.digest(key, text.encode(), 'sha256')).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "token",
    [
        signed({}),
        signed({}, kid=None),
        signed({}, alg="PS256"),
        signed({}, key=CURVE, alg="ES256"),
        signed({"aud": [CLIENT]}),
        signed({"aud": [CLIENT, "x"], "azp": CLIENT}),
        signed({"exp": SECONDS - 30}),
        signed({"iat": SECONDS + 30}),
    ],
)
def test_what_the_standard_allows_is_believed(token: str) -> None:
    assert checked(token)["sub"] == "emp-1"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "another attempt"),
        ({"nonce": None}, "nonce"),
        ({"nonce": [NONCE]}, "another attempt"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": ISSUER + "/"}, "iss"),
        ({"iss": [ISSUER]}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": [CLIENT, "another"]}, "another client"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "another client"),
        ({"azp": "another"}, "another client"),
        ({"exp": SECONDS - 61}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "never"}, "exp"),
        ({"iat": SECONDS + 61}, "iat"),
        ({"iat": None}, "iat"),
        ({"nbf": SECONDS + 61}, "nbf"),
        ({"sub": None}, "sub"),
        ({"sub": 1}, "sub"),
    ],
)
def test_what_is_not_for_this_attempt_is_not_believed(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(Untrusted, match=why):
        checked(signed(claims))


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        (lambda: f"{encoded({'alg': 'none'})}.{encoded(RIGHT)}.", Untrusted),
        (lambda: by_hmac(KEY.as_pem(private=False)), Untrusted),
        (lambda: by_hmac(b"secret"), Untrusted),
        (lambda: signed({}, key=OTHER), UnknownKey),
        (lambda: signed({}, key=OTHER, kid=None), UnknownKey),
        (lambda: signed({}, key=OTHER, kid="3"), UnknownKey),
        (lambda: signed({}, key=OTHER, kid="2"), UnknownKey),
        (lambda: signed({}, kid="9"), UnknownKey),
        (lambda: signed({})[:-8], UnknownKey),
        (lambda: signed({}) + ".x", Untrusted),
        (lambda: "no token", Untrusted),
        (lambda: "", Untrusted),
        (lambda: None, Untrusted),
        (lambda: f"{encoded({'alg': 'RS256', 'crit': ['x'], 'x': 1})}.{encoded(RIGHT)}.AA", Untrusted),
        (lambda: f"{encoded({})}.{encoded(RIGHT)}.AA", Untrusted),
    ],
    ids=[
        "none", "public key as secret", "published secret", "same kid", "no kid", "for secrets", "another kind",
        "unknown kid", "cut", "five parts", "word", "empty", "nothing", "critical", "no alg",
    ],
)  # fmt: skip
def test_what_the_provider_did_not_sign_is_not_believed(make: Callable[[], object], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        checked(make())


@pytest.mark.parametrize("published", [None, {}, [], "keys", [None], [{"kty": ["RSA"]}]])
def test_keys_that_are_none_are_left_out(published: object) -> None:
    assert id_tokens.keys_of(published) == []
