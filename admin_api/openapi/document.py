"""The OpenAPI 3.1 document, made from the URL table. Schemas come from pydantic, so they say what is really checked."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from .. import problem_kinds as kinds
from .. import uploads
from ..answers import DOCUMENTS
from ..schemas.dry_run import DryRunView
from ..schemas.problem import BulkProblemView, ProblemView
from .operation import Operation

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Make one for every new request. Repeated with the same key within 24 hours, a request is answered "
    "again instead of being carried out again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[\\x21-\\x7e]+$"},
}
_COMPANY_HEADER = {
    "name": "X-Company",
    "in": "header",
    "description": "The company's domain. Needed with the operator's token, superfluous with a company's.",
    "schema": {"type": "string"},
}
_WAIT_HEADER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=N`: wait up to N seconds (at most 60) for the proof (RFC 7240).",
    "schema": {"type": "string", "examples": ["wait=10"]},
}
_MATCH_HEADER = {
    "name": "If-Match",
    "in": "header",
    "description": "The entity tag that was read: change only if nobody else did meanwhile. `*`: whatever is there.",
    "schema": {"type": "string", "examples": ['"3"']},
}
_NONE_MATCH_HEADER = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The entity tag of an earlier answer: 304 if nothing changed since.",
    "schema": {"type": "string", "examples": ['"3"']},
}
_DRY_RUN = {
    "name": "dry_run",
    "in": "query",
    "required": False,
    "description": "`true`: change nothing, and answer what would change. Nothing is kept for an Idempotency-Key then, "
    "and nothing is waited for.",
    "schema": {"type": "boolean"},
}
_TRIED = "Of a dry run: what would change."
_SIGNED_HEADERS: list[Json] = [
    {
        "name": "webhook-id",
        "in": "header",
        "required": True,
        "description": "The sender's own name for the message: the same when it is sent again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 256, "examples": ["msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"]},
    },
    {
        "name": "webhook-timestamp",
        "in": "header",
        "required": True,
        "description": "When it was signed, in seconds since 1970 UTC; at most five minutes ago.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,11}$", "examples": ["1767225600"]},
    },
]
_SIGNATURE_SCHEME = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "Signed after the Standard Webhooks specification: `v1,` and the HMAC-SHA256 of `ID.TIMESTAMP.BODY` "
    "in base64; several are separated by spaces. The key is what follows `whsec_` in the company's secret, decoded "
    "from base64.",
}
_UPLOAD = {
    **{name: {} for name in uploads.WHOLE},
    uploads.FORM: {
        "schema": {
            "type": "object",
            "required": ["file"],
            "additionalProperties": False,
            "properties": {
                "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                "mapping": {"type": "string", "contentMediaType": "application/toml"},
            },
        }
    },
}
_PICTURE: Json = {media_type: {} for media_type in uploads.PICTURES}
_ABOUT = """People, groups and devices of a company's chat, kept equal on the chat server.

Every request carries `Authorization: Bearer TOKEN`. Errors are problem documents (RFC 9457) whose `type` leads to a
page that explains it. Lists answer `items` and `next_cursor`; send the cursor back as `?cursor=` for the next page.
Requests are strict: unknown fields are refused by name. What changes something can be tried: `?dry_run=true`."""


def document(
    operations: Sequence[Operation],
    *,
    version: str,
    tags: Mapping[str, str],
    scopes: Mapping[str, str],
    url: str = "/",
) -> Json:
    """Return the whole document. `url` is where the API is served."""
    refs, schemas = _schemas(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "KleanXMPP admin API", "version": version, "description": _ABOUT},
        "servers": [{"url": url}],
        "tags": [{"name": name, "description": words} for name, words in tags.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": _security_scheme(scopes), "signature": _SIGNATURE_SCHEME},
        },
    }


def _security_scheme(scopes: Mapping[str, str]) -> Json:
    lines = "\n".join(f"- `{scope}`: {words}" for scope, words in scopes.items())
    return {
        "type": "http",
        "scheme": "bearer",
        "description": f"An API token. Its scopes say what it is good for:\n\n{lines}",
    }


def _security(operation: Operation) -> list[Json]:
    if operation.signed is not None:
        return [{"signature": []}]
    return [] if operation.scope is None else [{"token": [operation.scope] if operation.scope else []}]


def _schemas(operations: Sequence[Operation]) -> tuple[Mapping[type[BaseModel], Json], Json]:
    taken = {model for op in operations for model in (op.body,) if model is not None}
    answered = {model for op in operations for model in op.answers.values() if model is not None}
    answered |= {ProblemView, BulkProblemView, DryRunView}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "validation") for model in sorted(taken, key=_name)),
        *((model, "serialization") for model in sorted(answered, key=_name)),
    ]
    inputs = [(model, mode, TypeAdapter[Any](model)) for model, mode in modes]
    refs, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REF)
    return {model: ref for (model, _), ref in refs.items()}, definitions.get("$defs", {})


def _operation(operation: Operation, refs: Mapping[type[BaseModel], Json]) -> Json:
    item: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "security": _security(operation),
        "responses": {**_answers(operation, refs), **_problems(operation, refs)},
    }
    if parameters := _parameters(operation):
        item["parameters"] = parameters
    if operation.body is not None:
        content = {"application/json": {"schema": refs[operation.body]}}
        item["requestBody"] = {"required": not operation.body_optional, "content": content}
    if operation.takes_upload:
        item["requestBody"] = {"required": True, "content": _UPLOAD}
    if operation.takes_picture:
        item["requestBody"] = {"required": True, "content": _PICTURE}
    return item


def _parameters(operation: Operation) -> list[Json]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": TypeAdapter[Any](operation.hints[name]).json_schema()}
        for name in operation.path_names
    ]
    if operation.query is not None:
        whole = operation.query.model_json_schema()
        for name, schema in whole["properties"].items():
            needed = name in whole.get("required", ())
            parameter = {"name": name, "in": "query", "required": needed, "schema": _not_null(schema)}
            if "description" in schema:
                parameter["description"] = schema["description"]
            parameters.append(parameter)
    headers = (
        (operation.can_be_tried, _DRY_RUN),
        (operation.scope is not None, _COMPANY_HEADER),
        (operation.repeatable, _KEY_HEADER),
        (operation.waits, _WAIT_HEADER),
        (operation.versioned and not operation.reads, _MATCH_HEADER),
        (operation.versioned and operation.reads, _NONE_MATCH_HEADER),
    )
    signed = _SIGNED_HEADERS if operation.signed is not None else []
    return parameters + signed + [header for holds, header in headers if holds]


def _not_null(schema: Json) -> Json:
    """Return the schema without `null`: a parameter is left out, never null."""
    plain = {name: value for name, value in schema.items() if name not in {"anyOf", "default", "description", "title"}}
    given = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if schema.get("default") is not None:
        plain["default"] = schema["default"]
    return {**plain, **given[0]} if given else plain


def _answers(operation: Operation, refs: Mapping[type[BaseModel], Json]) -> Json:
    answers: Json = {}
    for status, model in operation.answers.items():
        answer: Json = {"description": HTTPStatus(status).phrase}
        if model is not None:
            answer["content"] = {operation.media_type: {"schema": refs[model]}}
        elif operation.media_type in DOCUMENTS:
            answer["content"] = {operation.media_type: {}}
        if (operation.versioned and model is not None) or status == 304:
            answer["headers"] = {"ETag": {"description": "The version, for If-Match.", "schema": {"type": "string"}}}
        answers[str(status)] = answer
    if operation.can_be_tried:
        _add_dry_run(answers, operation, refs)
    return answers


def _add_dry_run(answers: Json, operation: Operation, refs: Mapping[type[BaseModel], Json]) -> None:
    own = operation.answers.get(200)
    schemas = [refs[DryRunView]] if own is None else [refs[own], refs[DryRunView]]
    known = answers.get("200", {"description": _TRIED})
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    answers["200"] = {**known, "content": {"application/json": {"schema": schema}}}


def _problems(operation: Operation, refs: Mapping[type[BaseModel], Json]) -> Json:
    answers: Json = {}
    for status, alike in groupby(operation.all_problems(), key=lambda kind: kind.status):
        found = list(alike)
        words = "\n".join(f"- [`{kind.name}`]({kind.uri}): {kind.meaning}" for kind in found)
        view = BulkProblemView if kinds.BULK_REFUSED in found else ProblemView
        answers[str(status)] = {"description": words, "content": {"application/problem+json": {"schema": refs[view]}}}
    return answers


def _name(model: type[BaseModel]) -> str:
    return model.__name__
