"""The closed list of what can go wrong, each with a stable name. The names are part of the API: never rename one.

A kind's page (`/problems/NAME`) is rendered from `meaning` and `advice`, so the page cannot say something else
than the answer.
"""

from dataclasses import dataclass

PREFIX = "/problems/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of problem. `meaning` is the detail of an answer that has nothing more exact to say."""

    name: str
    status: int
    title: str
    meaning: str
    advice: str

    @property
    def uri(self) -> str:
        """The problem's `type`, relative to the API's address (RFC 9457 section 3.1.1)."""
        return PREFIX + self.name


def _kind(name: str, status: int, title: str, meaning: str, advice: str) -> Kind:
    return Kind(name=name, status=status, title=title, meaning=meaning, advice=advice)


MALFORMED = _kind(
    "malformed-json", 400, "Malformed JSON",
    "The body is not valid JSON in UTF-8.",
    "Check how the body is built. Nothing was changed.",
)  # fmt: skip
MALFORMED_FORM = _kind(
    "malformed-form", 400, "Malformed form",
    "The body is not a multipart form, or was cut off.",
    "Check how the form is built. Nothing was changed.",
)  # fmt: skip
UNAUTHORIZED = _kind(
    "unauthorized", 401, "A valid token is needed",
    "The Authorization header is missing, or its token is wrong or was revoked.",
    "Send Authorization: Bearer TOKEN with a token that POST /api/v1/tokens or the command line gave out.",
)  # fmt: skip
UNSIGNED = _kind(
    "unsigned", 401, "A valid signature is needed",
    "The headers of the signature are missing, or nobody we know signed this just now.",
    "Sign ID.TIMESTAMP.BODY with the company's secret when you send it, as the Standard Webhooks specification says.",
)  # fmt: skip
MISSING_SCOPE = _kind(
    "missing-scope", 403, "The token may not do this",
    "The token lacks the scope that this needs.",
    "Use a token with the scope that the answer names. A token cannot hand out scopes that it lacks.",
)  # fmt: skip
OTHER_COMPANY = _kind(
    "other-company", 403, "The token belongs to another company",
    "X-Company names another company than the token's, or this is for the operator only.",
    "Leave X-Company out: a company's token always acts in its own company.",
)  # fmt: skip
UPLOAD_REFUSED = _kind(
    "upload-refused", 403, "Nothing can be uploaded here",
    "This address takes no upload: it was never given out, was used, is too old, or its owner may not chat any more.",
    "Ask the chat server for a new address (XEP-0363) and upload once, within five minutes.",
)  # fmt: skip
NOT_FOUND = _kind(
    "not-found", 404, "Not found",
    "There is nothing at this address.",
    "Check the id. What belongs to another company is not found either.",
)  # fmt: skip
UNKNOWN_COMPANY = _kind(
    "unknown-company", 404, "Unknown company",
    "There is no company with the domain that X-Company names.",
    "Check the spelling of the domain.",
)  # fmt: skip
METHOD_NOT_ALLOWED = _kind(
    "method-not-allowed", 405, "Method not allowed",
    "This address does not take this method.",
    "The Allow header names the methods that it takes.",
)  # fmt: skip
TIMEOUT = _kind(
    "timeout", 408, "The request took too long to arrive",
    "The body did not arrive in time.",
    "Send it again. Nothing was changed.",
)  # fmt: skip
CONFLICT = _kind(
    "conflict", 409, "Conflict",
    "Another entry already holds this value.",
    "Choose another value for the field that the answer names, or read what is there.",
)  # fmt: skip
MESSAGE_REPEATED = _kind(
    "message-repeated", 409, "The message was taken already",
    "A message with this webhook-id was carried out before. It was not carried out again.",
    "Nothing is to be done: count it as delivered. Use a new webhook-id for a new message.",
)  # fmt: skip
IN_PROGRESS = _kind(
    "request-in-progress", 409, "The same request is being worked on",
    "A request with this Idempotency-Key has not been answered yet.",
    "Repeat it in a moment to get its answer.",
)  # fmt: skip
SECRET_SHOWN = _kind(
    "secret-shown-once", 409, "The secret was shown already",
    "This request was carried out before. Its answer held a secret, which is shown only once and not kept.",
    "If the secret was lost on the way, delete what the answer names and ask for a new one with a new key.",
)  # fmt: skip
UNSAFE_PLAN = _kind(
    "unsafe-plan", 409, "The sweep would remove too much",
    "The sweep would remove more than the allowed share. Nothing was changed.",
    'Look at it with {"dry_run": true}, then repeat with {"force": true} if it is right.',
)  # fmt: skip
STALE = _kind(
    "stale", 412, "Somebody else was faster",
    "This was changed since it was read: If-Match does not name its present version.",
    "Read it again and repeat the change on what is there now.",
)  # fmt: skip
TOO_LARGE = _kind(
    "body-too-large", 413, "The body is too large",
    "The body is larger than this server takes.",
    "Send large circles in several PATCH requests.",
)  # fmt: skip
MEDIA_TYPE = _kind(
    "unsupported-media-type", 415, "JSON is needed",
    "The body must be JSON.",
    "Send Content-Type: application/json.",
)  # fmt: skip
NOT_A_SPREADSHEET = _kind(
    "not-a-spreadsheet", 415, "A CSV or XLSX file is needed",
    "The body must be a CSV or XLSX file, or a form with one.",
    "Send Content-Type: text/csv, the one of XLSX, or multipart/form-data.",
)  # fmt: skip
NOT_A_PICTURE = _kind(
    "not-a-picture", 415, "A JPEG, PNG or WebP picture is needed",
    "The body must be a picture, and Content-Type its kind.",
    "Send Content-Type: image/jpeg, image/png or image/webp.",
)  # fmt: skip
INVALID = _kind(
    "invalid", 422, "A value is not acceptable",
    "One or more fields are not acceptable.",
    "Each entry of errors names a field and says what is wrong with it. Nothing was changed.",
)  # fmt: skip
NO_DRY_RUN = _kind(
    "no-dry-run", 422, "This cannot be tried",
    "There is no dry run of this request. Nothing was changed.",
    "Leave dry_run out to carry the request out; the detail says why it cannot be tried.",
)  # fmt: skip
BULK_REFUSED = _kind(
    "bulk-refused", 422, "An operation was refused",
    "At least one operation of the request was refused, so none of them was applied.",
    "Each entry of results says what is wrong with one operation, or that only others were. Mend what is wrong, and "
    "send all of them again.",
)  # fmt: skip
COMPANY_NEEDED = _kind(
    "company-needed", 422, "Which company?",
    "The operator's token is good for every company: X-Company must name one.",
    "Send X-Company: DOMAIN.",
)  # fmt: skip
KEY_REUSED = _kind(
    "idempotency-key-reused", 422, "The Idempotency-Key was used for another request",
    "The same key came with another method, path, company or body within 24 hours.",
    "Make a new key for every new request, and use the old one only to repeat the old request.",
)  # fmt: skip
NOT_APPLIED = _kind(
    "not-applied", 424, "Not applied, because of another operation",
    "Nothing is wrong with this operation, but another one of the same request was refused.",
    "Send it again, without or after mending the other one.",
)  # fmt: skip
TOO_FAST = _kind(
    "too-fast", 429, "Too many requests",
    "The token or the signing secret, or the address with wrong ones, sends more requests than this server takes.",
    "Repeat the request after the seconds that Retry-After names; POST /api/v1/bulk takes a thousand changes at once.",
)  # fmt: skip
INTERNAL = _kind(
    "internal", 500, "Something went wrong here",
    "This is a defect of the server. It was logged.",
    "Repeating may help; tell the operator when it happened.",
)  # fmt: skip
NOT_INSTALLED = _kind(
    "not-installed", 501, "A part is not installed",
    "What this needs is not installed on the server's machine.",
    "Give the operator the detail of the answer: it names the packages.",
)  # fmt: skip
STORE_UNAVAILABLE = _kind(
    "store-unavailable", 503, "Files cannot be kept",
    "The disk with the files cannot be written right now. Nothing of the upload was kept.",
    "Repeat it after the seconds that Retry-After names. Operators: look at the disk's space and permissions.",
)  # fmt: skip
UNAVAILABLE = _kind(
    "directory-unavailable", 503, "The directory does not answer",
    "The directory's database does not answer right now. Nothing was changed.",
    "Repeat the request after the seconds that Retry-After names.",
)  # fmt: skip
SERVER_UNREACHABLE = _kind(
    "server-unreachable", 503, "The XMPP server cannot be asked",
    "The XMPP server does not answer right now. Changes of the directory are accepted and carried out later.",
    "Repeat the request after the seconds that Retry-After names.",
)  # fmt: skip
NO_RECONCILER = _kind(
    "no-reconciler", 503, "This process does not sweep",
    "This process serves the API only; another one keeps the server equal to the directory.",
    "Ask the process that runs the component, or use kleanxmpp reconcile there.",
)  # fmt: skip
NO_DOCTOR = _kind(
    "no-doctor", 503, "This process has no doctor",
    "This process serves the API only; the doctor is in the one that runs the component.",
    "Ask the process that runs the component, or use kleanxmpp doctor there.",
)  # fmt: skip
NO_SENDER = _kind(
    "no-sender", 503, "This process sends nothing",
    "This process does not send to webhooks; another one does.",
    "Ask the process that runs the service's API, or use kleanxmpp webhook test there.",
)  # fmt: skip
NOT_READY = _kind(
    "not-ready", 503, "Not ready",
    "A part that is needed does not answer.",
    "Each entry of errors names a part and says what is wrong with it. Work waits and is done when it is back.",
)  # fmt: skip

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        MALFORMED, MALFORMED_FORM, UNAUTHORIZED, UNSIGNED, MISSING_SCOPE, OTHER_COMPANY, UPLOAD_REFUSED, NOT_FOUND,
        UNKNOWN_COMPANY, METHOD_NOT_ALLOWED, TIMEOUT,
        CONFLICT, MESSAGE_REPEATED, IN_PROGRESS, SECRET_SHOWN, UNSAFE_PLAN, STALE, TOO_LARGE, MEDIA_TYPE,
        NOT_A_SPREADSHEET, NOT_A_PICTURE, INVALID, NO_DRY_RUN, BULK_REFUSED, COMPANY_NEEDED, KEY_REUSED, NOT_APPLIED,
        TOO_FAST,
        INTERNAL, NOT_INSTALLED, STORE_UNAVAILABLE, UNAVAILABLE, SERVER_UNREACHABLE, NO_RECONCILER, NO_DOCTOR,
        NO_SENDER, NOT_READY,
    )
}  # fmt: skip
