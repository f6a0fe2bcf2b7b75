"""Checking id_tokens (OpenID Connect Core section 3.1.3.7): whose signature, for whom, how old, for which attempt.

Only signatures by a key pair count: whoever can check one with a shared secret could make it, too. joserfc is imported
where it is needed, because most installations do not need it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kleanxmpp import errors

from .troubles import UnknownKey, Untrusted

if TYPE_CHECKING:
    from joserfc.jwk import GuestProtocol, Key

LEEWAY = 60
"""Seconds that two clocks may differ by."""
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
_ALGORITHMS = [f"{family}{bits}" for family in _KEY_TYPES for bits in (256, 384, 512)]


def check_installed() -> None:
    """Raise NotInstalled if id_tokens cannot be checked on this machine."""
    try:
        import joserfc.jwt  # noqa: F401  # asked whether it is there
    except ImportError as error:
        raise errors.NotInstalled("Signing in with OpenID Connect needs: pip install 'kleanxmpp[oidc]'") from error


def keys_of(published: object) -> "Sequence[Key]":
    """Return the keys of a JWK set that signatures can be checked with. What is not understood is left out."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    found = []
    for one in published if isinstance(published, list) else []:
        if isinstance(one, dict) and one.get("kty") in _KEY_TYPES.values() and one.get("use", "sig") == "sig":
            try:
                found.append(JWKRegistry.import_key({name: value for name, value in one.items() if name != "d"}))
            except (JoseError, ValueError, TypeError):
                continue  # another one may fit, and if none does that is said
    return found


def checked(
    id_token: object, *, keys: "Sequence[Key]", issuer: str, client_id: str, nonce: str, now: datetime
) -> Mapping[str, Any]:
    """Return what the provider says about whoever signed in. Raises UnknownKey, Untrusted."""
    from joserfc import jwt
    from joserfc.errors import BadSignatureError, ClaimError, JoseError
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
    try:
        claims = jwt.decode(id_token if isinstance(id_token, str) else "", _choice(keys), registry=registry).claims
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            sub={"essential": True},
            aud={"essential": True, "value": client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True},
        ).validate(claims)
    except BadSignatureError:
        raise UnknownKey("the signature of the id_token is wrong") from None
    except ClaimError as error:
        raise Untrusted(f"the id_token's {error.claim} is wrong") from None
    except (JoseError, ValueError):
        raise Untrusted("the id_token cannot be read, or is not signed with a key pair") from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims["nonce"] != nonce or claims.get("azp", "" if several else client_id) != client_id:
        raise Untrusted("the id_token belongs to another attempt, or another client")
    return claims


def _choice(keys: "Sequence[Key]") -> Any:  # noqa: ANN401  # joserfc's own union
    def choose(token: "GuestProtocol") -> "Key":
        header = token.headers()
        kty, kid = _KEY_TYPES.get(str(header.get("alg"))[:2]), header.get("kid")
        fitting = [key for key in keys if key.key_type == kty and (kid is None or key.kid == kid)]
        if len(fitting) != 1:
            raise UnknownKey("no key of the provider fits the id_token")
        return fitting[0]

    return choose
