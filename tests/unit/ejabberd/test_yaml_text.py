"""Plain data becomes YAML that reads well and means the same."""

import pytest

from ejabberd.yaml_text import to_yaml


def test_a_document_reads_well() -> None:
    document = {
        "hosts": ["firma.example"],
        "listen": [{"port": 5222, "module": "ejabberd_c2s", "handlers": {"/ws": "ejabberd_http_ws"}}],
        "modules": {"mod_ping": {}, "mod_muc": {"public": False, "admins": []}},
    }
    assert to_yaml(document) == (
        "hosts:\n"
        "  - firma.example\n"
        "\n"
        "listen:\n"
        "  - port: 5222\n"
        "    module: ejabberd_c2s\n"
        "    handlers:\n"
        "      /ws: ejabberd_http_ws\n"
        "\n"
        "modules:\n"
        "  mod_ping: {}\n"
        "  mod_muc:\n"
        "    public: false\n"
        "    admins: []\n"
    )


@pytest.mark.parametrize(
    "text", ["yes", "NO", "on", "null", "5222", "127.0.0.1", "::", "", "a: b", "#", "'", "- x", "@HOST@"]
)
def test_what_yaml_would_misread_is_quoted(text: str) -> None:
    assert to_yaml({"key": text}) == f'key: "{text}"\n'


def test_quotes_backslashes_and_line_ends_are_escaped() -> None:
    assert to_yaml({"key": 'a"b\\c\nd'}) == 'key: "a\\"b\\\\c\\nd"\n'


def test_letters_of_all_languages_stay_readable() -> None:
    assert to_yaml({"key": "Räume"}) == 'key: "Räume"\n'


@pytest.mark.parametrize("value", [None, 1.5, b"bytes", [["nested"]], {"x"}])
def test_what_cannot_be_written_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        to_yaml({"key": [value]})  # type: ignore[list-item]
