"""What a schema looks like in words and as an example, for people who read."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
_BY_NAME: dict[str, Any] = {
    "id": "0197a1c24d5e7f3a9b0c1d2e3f4a5b6c",
    "user_id": "0197a1c24d5e7f3a9b0c1d2e3f4a5b6c",
    "group_id": "0197a1d0aa417be2b5c6d7e8f9a0b1c2",
    "jid": "aylin.oeztuerk@chat.example.org",
    "room": "fruehschicht-nord@gruppen.chat.example.org",
    "slug": "fruehschicht-nord",
    "external_id": "4711",
    "xmpp_host": "chat.example.org",
    "rooms_domain": "gruppen.chat.example.org",
    "domain": "chat.example.org",
    "credential": "7k3m-9qxt-…",
    "token": "klean_7k3m-9qxt-…",
    "next_cursor": None,
    "server_error": None,
    "last_error": None,
    "status_url": "/api/v1/users/0197a1c24d5e7f3a9b0c1d2e3f4a5b6c/offboardings/0197a1e1c2d37f44a5b6c7d8e9f0a1b2",
}
_BY_TYPE: dict[str, Any] = {"integer": 1, "number": 0.5, "boolean": True, "null": None, "string": "…", "object": {}}


def fields(schema: Json, document: Json) -> Iterator[tuple[str, Json, bool]]:
    """Yield name, schema and whether it is needed, for each field of an object."""
    whole = resolved(schema, document)
    for name, one in whole.get("properties", {}).items():
        found = resolved(one, document)
        yield name, {**found, **one, "description": one.get("description", "")}, name in whole.get("required", ())


def resolved(schema: Json, document: Json) -> Json:
    """Return the schema that a reference leads to."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def type_words(schema: Json) -> str:
    """Return the type in words."""
    if "anyOf" in schema:
        return " or ".join(type_words(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1]).removesuffix("View")
    if schema.get("type") == "array":
        return f"list of {type_words(schema.get('items', {}))}"
    words = str(schema.get("format") or schema.get("type") or "value")
    if "minimum" in schema and "maximum" in schema:
        return f"{words} from {schema['minimum']} to {schema['maximum']}"
    return f"{words} up to {schema['maxLength']}" if "maxLength" in schema else words


def example(schema: Json, document: Json, *, name: str = "") -> Any:  # noqa: ANN401  JSON is any of its types
    """Return a value that the schema allows, with words of our field."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    schema = {**resolved(schema, document), **{k: v for k, v in schema.items() if k != "$ref"}}
    if "anyOf" in schema:
        return example(schema["anyOf"][0], document, name=name)
    if "examples" in schema:
        return schema["examples"][0]
    for key in ("const", "default"):
        if schema.get(key) not in (None, "", []):
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date-time":
        return "2026-03-02T08:15:00Z"
    if "properties" in schema:
        return {key: example(one, document, name=key) for key, one in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example(schema.get("items", {}), document)]
    return _BY_TYPE.get(str(schema.get("type")), "…")
