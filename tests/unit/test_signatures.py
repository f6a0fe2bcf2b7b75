"""Signatures after Standard Webhooks: the specification's own example, and everything that must be refused."""

from datetime import UTC, datetime, timedelta

import pytest

from kleanxmpp import errors, signatures
from kleanxmpp.signatures import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, Unsigned

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
EXAMPLE = {
    ID_HEADER: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    TIMESTAMP_HEADER: "1614265330",
    SIGNATURE_HEADER: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def accepted(headers: dict[str, str], *, secret: str = SECRET, body: bytes = BODY, now: datetime = AT) -> bool:
    return signatures.is_signed_by(secret, signatures.read_headers(headers, now=now), body)


def test_the_specification_s_example_is_made_and_understood() -> None:
    made = signatures.headers_for(EXAMPLE[ID_HEADER], BODY, secrets=[SECRET], at=AT)
    assert made == EXAMPLE
    assert accepted(EXAMPLE)


def test_while_secrets_are_rotated_either_fits() -> None:
    newer = signatures.new_secret()
    both = signatures.headers_for("msg_1", BODY, secrets=[newer, SECRET], at=AT)
    assert accepted(both)
    assert accepted(both, secret=newer)
    assert not accepted(both, secret=signatures.new_secret())


@pytest.mark.parametrize(
    "changed",
    [{ID_HEADER: "msg_other"}, {TIMESTAMP_HEADER: "1614265331"}, {SIGNATURE_HEADER: "v1,AAAA"}, {SIGNATURE_HEADER: ""},
     {SIGNATURE_HEADER: EXAMPLE[SIGNATURE_HEADER].replace("v1,", "v1a,")}, {SIGNATURE_HEADER: "v1,§"}],
)  # fmt: skip
def test_what_was_changed_on_the_way_does_not_fit(changed: dict[str, str]) -> None:
    assert not accepted(EXAMPLE | changed)


def test_another_body_does_not_fit() -> None:
    assert not accepted(EXAMPLE, body=BODY + b" ")


@pytest.mark.parametrize("away", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_an_old_message_and_one_from_the_future_are_refused(away: timedelta) -> None:
    with pytest.raises(Unsigned, match="clocks"):
        signatures.read_headers(EXAMPLE, now=AT + away)
    assert accepted(EXAMPLE, now=AT + away * 0.99)


@pytest.mark.parametrize(
    ("name", "value"),
    [(ID_HEADER, ""), (ID_HEADER, "a.b"), (ID_HEADER, "x" * 300), (ID_HEADER, "a\nb"), (TIMESTAMP_HEADER, ""),
     (TIMESTAMP_HEADER, "-1"), (TIMESTAMP_HEADER, "1e9"), (TIMESTAMP_HEADER, "9" * 12), (TIMESTAMP_HEADER, "١٦")],
)  # fmt: skip
def test_headers_that_are_none_are_refused(name: str, value: str) -> None:
    with pytest.raises(Unsigned, match=name):
        signatures.read_headers(EXAMPLE | {name: value}, now=AT)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "whsec_" + "A" * 100, "whsec_kein Base64!"])
def test_a_secret_that_is_too_short_or_none_is_refused(secret: str) -> None:
    with pytest.raises(errors.Invalid):
        signatures.key_of(secret)


def test_secrets_are_all_different_and_have_256_bits() -> None:
    made = {signatures.new_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(len(signatures.key_of(secret)) == 32 for secret in made)
