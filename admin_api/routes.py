"""The whole URL table. A route that is not here does not exist, and what is here is documented.

Scopes and good answers stand beside each route; problems that follow from what a route takes (a token, a body, a
path) are added by `Operation`.
"""

from collections.abc import Mapping

from pydantic import BaseModel

from kleanxmpp import hr

from . import problem_kinds as kinds
from .answers import CSV, JPEG, JSON, JSON_LINES, PDF
from .handlers import (
    access,
    audit,
    bulk,
    company,
    credentials,
    doctor,
    files,
    groups,
    health,
    held,
    hooks,
    imports,
    links,
    members,
    offboardings,
    photos,
    rules,
    scheduled,
    status,
    tokens,
    users,
    webhooks,
)
from .openapi.operation import ANY_TOKEN, Handler, Operation, Together
from .problem_kinds import Kind
from .schemas.access import AccessView
from .schemas.audit import AuditLineView, AuditPage, AuditVerificationView
from .schemas.bulk import BulkView
from .schemas.company import CompanyView
from .schemas.credentials import CredentialPage, IssuedCredentialView
from .schemas.doctor import DoctorView
from .schemas.files import FilePage
from .schemas.groups import CircleView, GroupPage, GroupView, MemberPage, MemberView
from .schemas.health import HealthView, ReadyView
from .schemas.held import ConfirmedView, HoldPage
from .schemas.hooks import AddedSecretView, ReceivedView, SecretPage
from .schemas.imports import ImportView
from .schemas.links import ChatSessionView, LinkPage, MadeLinkView
from .schemas.offboardings import OffboardingPage, OffboardingView
from .schemas.rules import ExceptionPage, ExceptionView, ExplanationView, RulePreviewView
from .schemas.scheduled import ScheduledPage, ScheduledView
from .schemas.status import StatusView
from .schemas.sweeps import SweepReportView
from .schemas.tokens import IssuedTokenView, TokenPage
from .schemas.users import ReactivatedView, UserPage, UserView
from .schemas.webhooks import DeliveryPage, ReplayedView, SecretWebhookView, TestedView, WebhookPage, WebhookView

BASE = "/api/v1"
TAGS = {
    "People": "Joiners, movers and leavers.",
    "Off-boarding": "Taking access away, giving it back, and the evidence.",
    "Scheduled": "What is to happen later, on time.",
    "Devices": "One login for each device; there are no passwords that people choose.",
    "Spreadsheets": "Files of people in and out.",
    "Files": "What people send each other besides text.",
    "Groups": "Named groups; each becomes a room on the chat server.",
    "Circles": "Who is in a group.",
    "Rules": "Groups whose members follow from what is known about people.",
    "Company": "What holds for everybody.",
    "Hooks": "What other systems report by themselves, signed.",
    "API tokens": "Who may call this API.",
    "Bulk": "Many changes at once, all of them or none.",
    "Webhooks": "Other systems that are told of what happens.",
    "Operation": "What is out of step, and who did what.",
    "Health": "For supervisors and load balancers. No token.",
}

_Answers = Mapping[int, type[BaseModel] | None]


def _op(
    method: str,
    path: str,
    handler: Handler,
    scope: str,
    answers: _Answers,
    *problems: Kind,
    tag: str,
    waits: bool = False,
    versioned: bool = False,
    secret: bool = False,
    media_type: str = JSON,
    no_dry_run: str | None = None,
    in_bulk: Handler | None = None,
    in_bulk_together: Together | None = None,
) -> Operation:
    return Operation(
        method=method,
        path=BASE + path,
        handler=handler,
        scope=scope,
        answers=answers,
        problems=problems,
        tag=tag,
        waits=waits,
        versioned=versioned,
        secret=secret,
        media_type=media_type,
        no_dry_run=no_dry_run,
        in_bulk=in_bulk,
        in_bulk_together=in_bulk_together,
    )


_USER, _GROUP = "/users/{user_id}", "/groups/{group_id}"
_PLAN, _SECRETS = "/scheduled/{change_id}", "/hooks/hr/secrets"
_MEMBERS, _EXCEPTIONS, _CREDENTIALS = _GROUP + "/members", _GROUP + "/exceptions", _USER + "/credentials"
_WEBHOOK = "/webhooks/{webhook_id}"
_PROVEN = {200: OffboardingView, 202: OffboardingView}
_C, _S = kinds.CONFLICT, kinds.SERVER_UNREACHABLE
_SWEEPS = 'It asks the server. Send {"dry_run": true} in the body.'
_DECIDES = "It is decided with the list of held changes in view, which shows what would happen."
_SENDS = "A message is sent to the receiver."
_ERASES = "The file is removed from the disk."

# fmt: off
_SINGLE: tuple[Operation, ...] = (
    _op("GET", "/users", users.list_users, "users:read", {200: UserPage}, tag="People"),
    _op("POST", "/users", users.add_user, "users:write", {201: UserView}, _C, tag="People",
        in_bulk=users.add_user, in_bulk_together=users.put_many),
    _op("GET", _USER, users.get_user, "users:read", {200: UserView, 304: None}, tag="People", versioned=True),
    _op("PATCH", _USER, users.change_user, "users:write", {200: UserView}, _C, tag="People", versioned=True,
        in_bulk=users.change_user),
    _op("PUT", "/users/by-external-id/{external_id}", users.put_user, "users:write", {200: UserView, 201: UserView}, _C,
        tag="People", versioned=True, in_bulk=users.put_user, in_bulk_together=users.put_many),
    _op("GET", _USER + "/photo", photos.get_photo, "users:read", {200: None, 304: None}, tag="People", versioned=True,
        media_type=JPEG),
    _op("PUT", _USER + "/photo", photos.put_photo, "users:write", {200: UserView}, tag="People"),
    _op("DELETE", _USER + "/photo", photos.remove_photo, "users:write", {204: None}, tag="People"),
    _op("GET", _USER + "/access", access.get_access, "users:read", {200: AccessView}, tag="People"),

    _op("POST", _USER + "/deactivate", offboardings.deactivate_user, "users:write", _PROVEN,
        tag="Off-boarding", waits=True, in_bulk=offboardings.deactivate_in_bulk),
    _op("POST", _USER + "/reactivate", offboardings.reactivate_user, "users:write",
        {200: ReactivatedView, 202: ReactivatedView}, tag="Off-boarding", waits=True,
        in_bulk=offboardings.reactivate_in_bulk),
    _op("DELETE", _USER, offboardings.erase_user, "users:write", _PROVEN,
        tag="Off-boarding", waits=True, versioned=True),
    _op("GET", _USER + "/offboardings", offboardings.list_offboardings, "users:read", {200: OffboardingPage},
        tag="Off-boarding"),
    _op("GET", _USER + "/offboardings/{offboarding_id}.pdf", offboardings.print_offboarding, "users:read", {200: None},
        kinds.NOT_INSTALLED, tag="Off-boarding", media_type=PDF),  # before the next, which matches it, too
    _op("GET", _USER + "/offboardings/{offboarding_id}", offboardings.get_offboarding, "users:read",
        {200: OffboardingView}, tag="Off-boarding"),

    _op("GET", "/scheduled", scheduled.list_scheduled, "users:read", {200: ScheduledPage}, tag="Scheduled"),
    _op("POST", "/scheduled", scheduled.schedule_change, "users:write", {201: ScheduledView}, kinds.NOT_FOUND, _C,
        tag="Scheduled"),
    _op("GET", _PLAN, scheduled.get_scheduled, "users:read", {200: ScheduledView, 304: None}, tag="Scheduled",
        versioned=True),
    _op("PATCH", _PLAN, scheduled.change_scheduled, "users:write", {200: ScheduledView}, _C, tag="Scheduled",
        versioned=True),
    _op("DELETE", _PLAN, scheduled.cancel_scheduled, "users:write", {204: None}, _C, tag="Scheduled", versioned=True),

    _op("GET", _CREDENTIALS, credentials.list_credentials, "users:read", {200: CredentialPage}, tag="Devices"),
    _op("POST", _CREDENTIALS, credentials.issue_credential, "credentials:write", {201: IssuedCredentialView},
        tag="Devices", secret=True),
    _op("DELETE", _CREDENTIALS + "/{credential_id}", credentials.revoke_credential, "credentials:write", {204: None},
        tag="Devices"),

    _op("GET", _USER + "/links", links.list_links, "users:read", {200: LinkPage}, tag="Devices"),
    _op("POST", _USER + "/links", links.make_link, "credentials:write", {201: MadeLinkView}, _C, tag="Devices",
        secret=True),
    _op("DELETE", _USER + "/links/{link_id}", links.revoke_link, "credentials:write", {204: None}, tag="Devices"),
    _op("POST", _USER + "/chat-sessions", links.open_chat, "credentials:write", {201: ChatSessionView}, _C,
        tag="Devices", secret=True),

    _op("POST", "/import", imports.import_people, "users:write", {200: ImportView}, _C, tag="Spreadsheets"),
    _op("GET", "/export/users.csv", imports.export_people, "users:read", {200: None}, tag="Spreadsheets",
        media_type=CSV),

    _op("GET", _USER + "/files", files.list_files, "users:read", {200: FilePage}, tag="Files"),
    _op("DELETE", "/files/{file_id}", files.erase_file, "users:write", {204: None}, tag="Files", no_dry_run=_ERASES),

    _op("GET", "/groups", groups.list_groups, "groups:read", {200: GroupPage}, tag="Groups"),
    _op("POST", "/groups", groups.add_group, "groups:write", {201: GroupView}, _C, tag="Groups",
        in_bulk=groups.add_group),
    _op("GET", _GROUP, groups.get_group, "groups:read", {200: GroupView, 304: None}, tag="Groups", versioned=True),
    _op("PATCH", _GROUP, groups.change_group, "groups:write", {200: GroupView}, _C, tag="Groups", versioned=True,
        in_bulk=groups.change_group),
    _op("DELETE", _GROUP, groups.delete_group, "groups:write", {204: None}, tag="Groups", versioned=True,
        in_bulk=groups.delete_group),
    _op("POST", _GROUP + "/archive", groups.archive_group, "groups:write", {200: GroupView}, tag="Groups",
        versioned=True, in_bulk=groups.archive_group),
    _op("POST", _GROUP + "/restore", groups.restore_group, "groups:write", {200: GroupView}, tag="Groups",
        versioned=True, in_bulk=groups.restore_group),

    _op("GET", _MEMBERS, members.list_members, "groups:read", {200: MemberPage}, tag="Circles"),
    _op("PUT", _MEMBERS, members.replace_members, "groups:write", {200: CircleView}, tag="Circles", versioned=True,
        in_bulk=members.replace_members),
    _op("PATCH", _MEMBERS, members.change_members, "groups:write", {200: CircleView}, _C,
        tag="Circles", versioned=True, in_bulk=members.change_members),
    _op("PUT", _MEMBERS + "/{user_id}", members.put_member, "groups:write", {200: MemberView},
        tag="Circles", versioned=True, in_bulk=members.put_member),
    _op("DELETE", _MEMBERS + "/{user_id}", members.remove_member, "groups:write", {200: MemberView, 204: None}, _C,
        tag="Circles", versioned=True, in_bulk=members.remove_member),

    _op("POST", _GROUP + "/rule/preview", rules.preview_rule, "groups:write", {200: RulePreviewView}, tag="Rules"),
    _op("GET", _GROUP + "/explain", rules.explain_membership, "users:read", {200: ExplanationView}, tag="Rules"),
    _op("GET", _EXCEPTIONS, rules.list_exceptions, "groups:read", {200: ExceptionPage}, tag="Rules"),
    _op("GET", _EXCEPTIONS + "/{user_id}", rules.get_exception, "groups:read", {200: ExceptionView}, tag="Rules"),
    _op("PUT", _EXCEPTIONS + "/{user_id}", rules.put_exception, "groups:write", {200: ExceptionView}, tag="Rules"),
    _op("DELETE", _EXCEPTIONS + "/{user_id}", rules.remove_exception, "groups:write", {204: None}, tag="Rules"),

    _op("GET", "/company", company.get_company, "admin", {200: CompanyView}, tag="Company"),
    _op("PATCH", "/company", company.change_company, "admin", {200: CompanyView}, tag="Company"),

    Operation(method="POST", path=BASE + "/hooks/hr", handler=hooks.receive_hr_event, scope=None, signed=hr.PURPOSE,
              answers={200: ReceivedView, 202: ReceivedView}, tag="Hooks",
              problems=(kinds.NOT_FOUND, _C, kinds.MESSAGE_REPEATED)),
    _op("GET", _SECRETS, hooks.list_hr_secrets, "hooks:write", {200: SecretPage}, tag="Hooks"),
    _op("POST", _SECRETS, hooks.add_hr_secret, "hooks:write", {201: AddedSecretView}, _C, tag="Hooks", secret=True),
    _op("DELETE", _SECRETS + "/{secret_id}", hooks.remove_hr_secret, "hooks:write", {204: None}, tag="Hooks"),

    _op("GET", "/tokens", tokens.list_tokens, "tokens:write", {200: TokenPage}, tag="API tokens"),
    _op("POST", "/tokens", tokens.issue_token, "tokens:write", {201: IssuedTokenView}, tag="API tokens", secret=True),
    _op("DELETE", "/tokens/{token_id}", tokens.revoke_token, "tokens:write", {204: None}, tag="API tokens"),

    _op("GET", "/webhooks", webhooks.list_webhooks, "webhooks:write", {200: WebhookPage}, tag="Webhooks"),
    _op("POST", "/webhooks", webhooks.add_webhook, "webhooks:write", {201: SecretWebhookView}, _C,
        tag="Webhooks", secret=True),
    _op("GET", _WEBHOOK, webhooks.get_webhook, "webhooks:write", {200: WebhookView}, tag="Webhooks"),
    _op("PATCH", _WEBHOOK, webhooks.change_webhook, "webhooks:write", {200: WebhookView},
        tag="Webhooks", versioned=True),
    _op("DELETE", _WEBHOOK, webhooks.remove_webhook, "webhooks:write", {204: None}, tag="Webhooks", versioned=True),
    _op("POST", _WEBHOOK + "/rotate-secret", webhooks.rotate_webhook_secret, "webhooks:write",
        {200: SecretWebhookView}, tag="Webhooks", secret=True),
    _op("POST", _WEBHOOK + "/test", webhooks.test_webhook, "webhooks:write", {200: TestedView}, kinds.NO_SENDER,
        tag="Webhooks", no_dry_run=_SENDS),
    _op("GET", _WEBHOOK + "/deliveries", webhooks.list_deliveries, "webhooks:write", {200: DeliveryPage},
        tag="Webhooks"),
    _op("POST", _WEBHOOK + "/replay", webhooks.replay_events, "webhooks:write", {202: ReplayedView}, tag="Webhooks"),

    _op("GET", "/audit", audit.list_audit, "audit:read", {200: AuditPage}, tag="Operation"),
    _op("GET", "/audit/export", audit.export_audit, "audit:read", {200: AuditLineView}, tag="Operation",
        media_type=JSON_LINES),
    _op("GET", "/audit/verification", audit.verify_audit, "audit:read", {200: AuditVerificationView}, tag="Operation"),
    _op("GET", "/status", status.get_status, "status:read", {200: StatusView}, tag="Operation"),
    _op("GET", "/doctor", doctor.get_doctor, "status:read", {200: DoctorView}, kinds.NO_DOCTOR, tag="Operation"),
    _op("GET", "/held", held.list_held, "status:read", {200: HoldPage}, tag="Operation"),
    _op("POST", "/held/{hold_id}/confirm", held.confirm_held, "reconcile:write", {202: ConfirmedView},
        _C, kinds.NO_RECONCILER, _S, tag="Operation", no_dry_run=_DECIDES),
    _op("POST", "/held/{hold_id}/discard", held.discard_held, "reconcile:write", {204: None},
        kinds.NO_RECONCILER, tag="Operation", no_dry_run=_DECIDES),
    _op("POST", "/reconcile", status.reconcile, "reconcile:write", {200: SweepReportView, 202: SweepReportView},
        kinds.UNSAFE_PLAN, kinds.NO_RECONCILER, _S, tag="Operation", no_dry_run=_SWEEPS),

    Operation(method="GET", path="/healthz", handler=health.get_health, scope=None, answers={200: HealthView},
              tag="Health"),
    Operation(method="GET", path="/readyz", handler=health.get_readiness, scope=None, answers={200: ReadyView},
              problems=(kinds.NOT_READY,), tag="Health"),
)
# fmt: on

OPERATIONS = (
    *_SINGLE,
    _op("POST", "/bulk", bulk.carrying_out(_SINGLE), ANY_TOKEN, {200: BulkView}, kinds.BULK_REFUSED, tag="Bulk"),
)
