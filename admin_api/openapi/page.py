"""The readable page, rendered on the server from the OpenAPI document: plain HTML, no script, no other host."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ..answers import JSON
from ..problem_kinds import Kind
from .examples import example, fields, type_words
from .html import Markup, inline, page, prose, tag

Json = dict[str, Any]


def docs_page(document: Json, *, style: str) -> str:
    """Return the page about the whole API."""
    operations = list(_operations(document))
    sections = [
        _section(one, [operation for operation in operations if operation["tags"] == [one["name"]]], document)
        for one in document["tags"]
    ]
    info = document["info"]
    intro = tag(
        "header",
        tag("h1", info["title"]),
        tag(
            "p", f"Version {info['version']} · ", tag("a", "OpenAPI document", href="/api/openapi.json"), class_="quiet"
        ),
        prose(info["description"]),
        tag("details", tag("summary", "Tokens and scopes"), prose(_security(document)), class_="scopes"),
    )
    return page(info["title"], _navigation(document["tags"], operations), tag("main", intro, sections), style=style)


def problem_page(kind: Kind, *, style: str, docs: str) -> str:
    """Return the page that explains one kind of problem."""
    return page(
        kind.title,
        tag(
            "main",
            tag("p", tag("a", "Admin API", href=docs), class_="quiet"),
            tag("h1", kind.title),
            tag("p", tag("code", f"{kind.status} {kind.uri}")),
            prose(kind.meaning),
            tag("h2", "What to do"),
            prose(kind.advice),
            class_="narrow",
        ),
        style=style,
    )


def _operations(document: Json) -> Iterator[Json]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield {**operation, "path": path, "method": method.upper()}


def _navigation(tags: list[Json], operations: list[Json]) -> Markup:
    by_tag = {name: list(group) for name, group in groupby(sorted(operations, key=_tag), key=_tag)}
    parts = [
        (
            tag("h2", tag("a", one["name"], href=f"#{_anchor(one['name'])}")),
            tag(
                "ul",
                [
                    tag(
                        "li",
                        tag("a", _badge(operation), " ", operation["summary"], href=f"#{operation['operationId']}"),
                    )
                    for operation in by_tag[one["name"]]
                ],
            ),
        )
        for one in tags
    ]
    return tag("nav", parts, aria_label="Contents")


def _section(one: Json, operations: list[Json], document: Json) -> Markup:
    heading = tag("h2", one["name"], id=_anchor(one["name"]))
    return tag("section", heading, prose(one["description"]), [_article(op, document) for op in operations])


def _article(operation: Json, document: Json) -> Markup:
    path = tag("code", operation["path"], class_="path")
    return tag(
        "article",
        tag("h3", _badge(operation), " ", path),
        tag("p", operation["summary"], class_="summary"),
        prose(operation["description"]) if operation["description"] != operation["summary"] + "." else None,
        _scope(operation),
        _parameters(operation.get("parameters", [])),
        _request(operation, document),
        [
            _response(status, answer, document)
            for status, answer in operation["responses"].items()
            if "application/problem+json" not in answer.get("content", {})
        ],
        _problems(operation),
        id=operation["operationId"],
    )


def _scope(operation: Json) -> Markup:
    if any("signature" in one for one in operation["security"]):
        return tag("p", "Signed, without a token", class_="quiet")
    scopes = [scope for one in operation["security"] for scope in one["token"]]
    words = [tag("span", "Scope "), [tag("code", scope) for scope in scopes]] if scopes else ["No token needed"]
    return tag("p", words, class_="quiet")


def _parameters(parameters: list[Json]) -> Markup | None:
    rows = [
        tag(
            "tr",
            tag(
                "td", tag("code", one["name"]), tag("span", " needed", class_="needed") if one.get("required") else None
            ),
            tag("td", one["in"]),
            tag("td", type_words(one["schema"])),
            tag("td", inline(one.get("description", ""))),
        )
        for one in parameters
    ]
    return _table("Parameters", rows) if rows else None


def _request(operation: Json, document: Json) -> Markup | None:
    if "requestBody" not in operation:
        return None
    content = operation["requestBody"]["content"]
    if JSON not in content:
        return tag("p", tag("strong", "Body"), ": ", [tag("span", tag("code", one), " ") for one in content])
    schema = content[JSON]["schema"]
    title = "Body" if operation["requestBody"]["required"] else "Body (may be left out)"
    return tag("div", _fields(title, schema, document), _example(schema, document))


def _response(status: str, answer: Json, document: Json) -> Markup:
    title = f"{status} {answer['description']}"
    if "content" not in answer:
        return tag("p", tag("strong", title), " without a body")
    ((media_type, content),) = answer["content"].items()
    if "schema" not in content:
        return tag("p", tag("strong", title), " ", tag("code", media_type))
    schema = content["schema"]
    summary = tag("summary", title, "" if media_type == JSON else f" ({media_type}; each line:)")
    return tag("details", summary, _fields(None, schema, document), _example(schema, document))


def _fields(title: str | None, schema: Json, document: Json) -> Markup:
    rows = [
        tag(
            "tr",
            tag("td", tag("code", name), tag("span", " needed", class_="needed") if needed and title else None),
            tag("td", type_words(one)),
            tag("td", inline(one.get("description", ""))),
        )
        for name, one, needed in fields(schema, document)
    ]
    return _table(title, rows)


def _example(schema: Json, document: Json) -> Markup:
    text = json.dumps(example(schema, document), indent=2, ensure_ascii=False)
    return tag("pre", tag("code", text), tabindex="0")


def _problems(operation: Json) -> Markup:
    rows = [
        tag("tr", tag("td", status), tag("td", prose(answer["description"])))
        for status, answer in operation["responses"].items()
        if "application/problem+json" in answer.get("content", {})
    ]
    return tag("details", tag("summary", "Problems"), _table(None, rows))


def _table(title: str | None, rows: list[Markup]) -> Markup:
    table = tag("div", tag("table", tag("tbody", rows)), class_="wide")
    return tag("div", tag("h4", title), table) if title else table


def _badge(operation: Json) -> Markup:
    method = operation["method"]
    return tag("span", method, class_=f"method {method.lower()}")


def _security(document: Json) -> str:
    return str(document["components"]["securitySchemes"]["token"]["description"])


def _tag(operation: Json) -> str:
    return str(operation["tags"][0])


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
