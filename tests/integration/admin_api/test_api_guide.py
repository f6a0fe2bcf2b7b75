"""The guide for integrators cannot rot: its commands are run, its answers compared with real ones."""

import json
import re
import shlex
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.admin_api.desk import EVERYWHERE, Answered, Desk
from tests.photos import a_picture

GUIDE = Path(__file__).parents[3] / "docs" / "integrators.md"
_COMMAND = re.compile(r"```sh\n(?P<command>.*?)```(?P<rest>.*?)(?=```sh\n|\Z)", re.DOTALL)
_ANSWER = re.compile(r"\A\s*Answer, `(\d+)`:\s*```json\n(.*?)```", re.DOTALL)
_REMEMBER = re.compile(r"<!-- (\w+) is (\w+) -->")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A command of the guide, what it should answer (None: not printed), and what is remembered of the answer."""

    command: str
    status: int | None
    body: Any
    remembered: tuple[tuple[str, str], ...]


def examples(text: str) -> Iterator[Example]:
    for found in _COMMAND.finditer(text):
        answer = _ANSWER.match(found["rest"])
        yield Example(
            command=found["command"],
            status=int(answer[1]) if answer else None,
            body=json.loads(answer[2]) if answer else None,
            remembered=tuple(_REMEMBER.findall(found["rest"])),
        )


@EVERYWHERE
async def test_every_command_of_the_guide_answers_what_the_guide_says(desk: Desk) -> None:
    variables = {"API": "/api/v1", "TOKEN": desk.token}
    count = 0
    async with desk.working():
        for example in examples(GUIDE.read_text()):
            answer = await _curl(desk, example.command, variables)
            where = f"{example.command}\n{answer.status} {answer.text}"
            if example.status is None:
                assert answer.status < 400, where
            else:
                assert answer.status == example.status, where
                assert_like(answer.body, example.body, where=where)
            variables |= {name: answer.body[key] for name, key in example.remembered}
            count += 1
    assert count >= 20


def assert_like(actual: Any, printed: Any, *, where: str) -> None:
    """Fail unless the answer has exactly the printed keys and values; `…` stands for anything."""
    if printed == "…":
        return
    if isinstance(printed, dict):
        assert isinstance(actual, dict), where
        assert actual.keys() == printed.keys(), where
        for key in printed:
            assert_like(actual[key], printed[key], where=where)
    elif isinstance(printed, list):
        assert isinstance(actual, list), where
        assert len(actual) == len(printed), where
        for one, other in zip(actual, printed, strict=True):
            assert_like(one, other, where=where)
    else:
        assert actual == printed, where


async def _curl(desk: Desk, command: str, variables: dict[str, str]) -> Answered:
    """Do what curl would do. Knows only the options that the guide uses, and fails for others."""
    words = iter(_words(command, variables))
    assert next(words) == "curl"
    method, path, data, headers = "GET", "", None, {}
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-o":
                next(words)
            case "--data-binary":
                assert next(words).startswith("@")
                data = a_picture()
            case "-d":
                data = next(words).encode()
                method = "POST" if method == "GET" else method
            case _:
                assert word.startswith("/api"), word
                path = word
    return await desk.call(method, path, token=None, headers=headers, data=data)


def _words(command: str, variables: dict[str, str]) -> list[str]:
    """Split like a shell. What is in single quotes has no `$` in this guide, so variables are put in first."""
    return shlex.split(string.Template(command.replace("\\\n", " ")).substitute(variables))
