"""One company's identity provider: where it is asked, what it answers, and what of that is kept for a while.

Its metadata and keys are kept for an hour; a signature that no known key fits makes us look for new keys, once for each
sign-in. A key that the provider takes back is trusted until the hour is over.
"""

import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from yarl import URL

from kleanxmpp import errors
from kleanxmpp.provider_sign_ins import Begun, Matches
from kleanxmpp.website_ports import SignInAttempt

from . import fetching, id_tokens
from .settings import ProviderSettings
from .troubles import Away, Declined, Unconfirmed, UnknownKey, Untrusted

if TYPE_CHECKING:
    from joserfc.jwk import Key

KEPT = timedelta(hours=1)
_FOR_LATER = frozenset({"temporarily_unavailable", "server_error"})
_SAID_NO = frozenset({"access_denied", "login_required", "consent_required", "interaction_required"})
_VERIFIED = "email_verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a provider publishes about itself, as far as it concerns us (OpenID Connect Discovery section 3)."""

    authorization: URL
    token: URL
    keys: URL
    userinfo: URL | None
    end_session: URL | None
    basic: bool
    names_itself: bool

    @classmethod
    def read(cls, published: Mapping[str, Any], *, issuer: str) -> "Metadata":
        """Make it of the document. Raises Untrusted."""
        if published.get("issuer") != issuer:
            raise Untrusted("the provider calls itself by another name than `issuer` in the settings")
        methods = published.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        userinfo, end_session = published.get("userinfo_endpoint"), published.get("end_session_endpoint")
        return cls(
            authorization=fetching.checked(published.get("authorization_endpoint")),
            token=fetching.checked(published.get("token_endpoint")),
            keys=fetching.checked(published.get("jwks_uri")),
            userinfo=fetching.checked(userinfo) if userinfo else None,
            end_session=fetching.checked(end_session) if end_session else None,
            basic="client_secret_basic" in methods,
            names_itself=published.get("authorization_response_iss_parameter_supported") is True,
        )


class Provider:
    """Asks it. Raises NotInstalled, and Invalid for an authority that cannot be read."""

    def __init__(self, settings: ProviderSettings) -> None:
        id_tokens.check_installed()
        self.settings = settings
        self._metadata: tuple[datetime, Metadata] | None = None
        self._keys: tuple[datetime, Sequence[Key]] | None = None
        try:
            self._tls = ssl.create_default_context()
            if settings.ca_file is not None:
                self._tls.load_verify_locations(settings.ca_file)
        except OSError as error:
            raise errors.Invalid(f"The authority {settings.ca_file} cannot be read.", field="oidc.ca_file") from error

    async def where_to_sign_in(self, begun: Begun, *, come_back: str, language: str, now: datetime) -> URL:
        """Return where to send the browser. Raises Trouble."""
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": come_back,
            "scope": self.settings.scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": begun.challenge,
            "code_challenge_method": "S256",
            "ui_locales": language,
        }
        return (await self._about(now)).authorization.update_query(asked)

    async def where_to_sign_out(self, *, come_back: str, now: datetime) -> URL | None:
        """Return where one signs out at the provider, too; None: it has no such page. Raises Trouble."""
        end = (await self._about(now)).end_session
        asked = {"client_id": self.settings.client_id, "post_logout_redirect_uri": come_back}
        return end.update_query(asked) if end else None

    async def who(self, answer: Mapping[str, str], *, attempt: SignInAttempt, come_back: str, now: datetime) -> str:
        """Return what a person is found by, of the answer that the browser brought. Raises Trouble."""
        about = await self._about(now)
        if answer.get("iss", None if about.names_itself else self.settings.issuer) != self.settings.issuer:
            raise Untrusted("the answer is another provider's")  # RFC 9207
        if (error := answer.get("error")) is not None:
            raise _told(error)
        granted = await self._redeem(answer.get("code", ""), about, verifier=attempt.verifier, come_back=come_back)
        claims = await self._verified(granted.get("id_token"), about, nonce=attempt.nonce, now=now)
        return await self._named(claims, granted.get("access_token"), about)

    async def _about(self, now: datetime) -> Metadata:
        kept = self._metadata
        if kept is None or not timedelta() <= now - kept[0] < KEPT:
            address = fetching.checked(self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
            published = await fetching.get(address, tls=self._tls)
            self._metadata = kept = now, Metadata.read(published, issuer=self.settings.issuer)
        return kept[1]

    async def _redeem(self, code: str, about: Metadata, *, verifier: str, come_back: str) -> Mapping[str, Any]:
        chosen = self.settings
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": come_back, "code_verifier": verifier}
        headers = {}
        if chosen.client_secret is not None and about.basic:
            both = f"{quote(chosen.client_id, safe='')}:{quote(chosen.client_secret, safe='')}"  # RFC 6749 2.3.1
            headers["Authorization"] = f"Basic {b64encode(both.encode()).decode()}"
        else:
            form["client_id"] = chosen.client_id
            if chosen.client_secret is not None:
                form["client_secret"] = chosen.client_secret
        granted = await fetching.post(about.token, tls=self._tls, form=form, headers=headers)
        if granted.status == 200:
            return granted.body
        if granted.body.get("error") == "invalid_grant":
            raise Untrusted("the provider does not know the code, or not any more")
        raise Untrusted("the provider does not take us for its client: look at client_id and client_secret")

    async def _verified(self, id_token: object, about: Metadata, *, nonce: str, now: datetime) -> Mapping[str, Any]:
        def check(keys: "Sequence[Key]") -> Mapping[str, Any]:
            chosen = self.settings
            return id_tokens.checked(
                id_token, keys=keys, issuer=chosen.issuer, client_id=chosen.client_id, nonce=nonce, now=now
            )

        if self._keys is not None and timedelta() <= now - self._keys[0] < KEPT:
            with suppress(UnknownKey):  # the provider may have new ones
                return check(self._keys[1])
        published = await fetching.get(about.keys, tls=self._tls)
        self._keys = now, id_tokens.keys_of(published.get("keys"))
        return check(self._keys[1])

    async def _named(self, claims: Mapping[str, Any], access_token: object, about: Metadata) -> str:
        """Return the claim that the settings name; what the id_token leaves out is at the userinfo endpoint."""
        wanted = self.settings.claim
        by_email = self.settings.matches is Matches.EMAIL
        missing = ({wanted, _VERIFIED} if by_email else {wanted}) - claims.keys()
        if missing and about.userinfo is not None and isinstance(access_token, str):
            more = await fetching.get(about.userinfo, tls=self._tls, bearer=access_token)
            if more.get("sub") != claims["sub"]:
                raise Untrusted("what the provider says about the person is about somebody else")
            claims = more
        found = claims.get(wanted)
        if not isinstance(found, str) or not found:
            raise Untrusted("the provider does not say what the settings want to know (`claim`)")
        if by_email and claims.get(_VERIFIED) is not True:
            raise Unconfirmed("the provider does not vouch for the e-mail address (`email_verified`)")
        return found


def _told(error: str) -> Away | Declined | Untrusted:
    """Return what the provider's error is to us (RFC 6749 section 4.1.2.1)."""
    if error in _FOR_LATER:
        return Away("the provider says that it cannot at the moment")
    if error in _SAID_NO:
        return Declined("the provider, or the person, said no")
    return Untrusted("the provider refused our request: look at client_id, scopes and the redirect URI")
