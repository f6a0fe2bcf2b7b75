"""Every sentence that the program may put into an error, read out of the source: texts with `{1}`, `{2}` for values.

What is said is followed to where it is written: through parameters, variables, constants and small functions of the
same module. Phrases that are put into another sentence count, too. What cannot be followed fails.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("kleanxmpp", "admin_api", "component", "ejabberd")
NEVER_ON_A_PAGE = (
    "admin_api/schemas/",  # bodies of JSON
    "admin_api/scim/",
    "kleanxmpp/cli/",
    "kleanxmpp/db/engine.py",  # settings
    "kleanxmpp/demo/",
    "kleanxmpp/import",  # shell and API
    "kleanxmpp/scim_",
    "kleanxmpp/settings.py",
    "kleanxmpp/sheets/",
    "kleanxmpp/testing",
    "kleanxmpp/web_assets.py",  # shell
)
OTHER_SAYINGS = {
    ("kleanxmpp/audit.py", "Problem", "message"),
    ("kleanxmpp/chains.py", "Problem", "message"),
    ("kleanxmpp/delivery_policy.py", "_given_up", "why"),
}
"""Sentences that are no errors, but shown: module, what is called, the parameter."""

SAY_IT_THEMSELVES = {"Refused"}
"""Errors that are made with something else than their sentence."""
NEVER_TOLD = {"InBatch", "NotLetIn"}
"""What is told in their place: the cause; words of the page for each reason."""

_WORDS = re.compile(r"[^\W\d_]")
_PLACE = re.compile(r"\{\d\}")


class Unfollowed(Exception):
    """Nothing says what is said here."""


@dataclass(slots=True, kw_only=True)
class Module:
    """One file."""

    name: str
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node

    def calls(self, name: str) -> Iterator[ast.Call]:
        """Yield the calls of what has this name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and _name(node.func) == name:
                yield node

    def around(self, node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield the functions in which something stands, the innermost first."""
        while (found := self.parents.get(node)) is not None:
            if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
                yield found
            node = found


@cache
def sentences() -> frozenset[str]:
    """Return all of them."""
    modules = [
        Module(name=str(path.relative_to(ROOT)), tree=ast.parse(path.read_text(encoding="utf-8")))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    ]
    kinds = _kinds(modules)
    for beginning in NEVER_ON_A_PAGE:
        assert any(module.name.startswith(beginning) for module in modules), f"there is no {beginning} any more"
    found: set[str] = set()
    for module in modules:
        if not module.name.startswith(NEVER_ON_A_PAGE):
            found.update(_of_errors(module, kinds))
            found.update(_of_others(module))
    return frozenset(text for text in found if _WORDS.search(_PLACE.sub("", text)) or "“" in text)


def _kinds(modules: list[Module]) -> dict[str, str]:
    """Return the names of all kinds of errors, with what they say by themselves."""
    found = {"KleanError": ""}
    classes = [node for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    while new := [one for one in classes if one.name not in found and found.keys() & set(map(_name, one.bases))]:
        found |= {one.name: ast.get_docstring(one) or "" for one in new}
    return found


def _of_errors(module: Module, kinds: dict[str, str]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Raise) and node.exc is not None and _name(node.exc) in kinds:
            yield kinds[_name(node.exc)]
        if isinstance(node, ast.Call) and _name(node.func) in kinds.keys() - SAY_IT_THEMSELVES - NEVER_TOLD:
            yield from _followed(module, node.args[0]) if node.args else [kinds[_name(node.func)]]
        if isinstance(node, ast.ClassDef) and node.name in SAY_IT_THEMSELVES:
            for call in (one for one in ast.walk(node) if isinstance(one, ast.Call) and _name(one.func) == "__init__"):
                yield from _followed(module, call.args[0]) if call.args else [kinds[node.name]]


def _of_others(module: Module) -> Iterator[str]:
    for name, called, parameter in OTHER_SAYINGS:
        if name == module.name:
            for call in module.calls(called):
                yield from _argument(module, call, parameter, place=1)


def _followed(module: Module, node: ast.expr) -> Iterator[str]:
    try:
        yield from _texts(module, node)
    except Unfollowed as error:
        raise AssertionError(f"{module.name}:{node.lineno} says something that no test can follow: {error}") from None


def _texts(module: Module, node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Constant(value=None):  # the kind's own words
            return
        case ast.JoinedStr(values=parts):
            yield _template(parts)
            for part in parts:
                if isinstance(part, ast.FormattedValue):
                    yield from _phrases(module, part.value)
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(module, one)
            yield from _texts(module, other)
        case ast.Name(id=name):
            yield from _named(module, node, name)
        case ast.Call(func=ast.Name(id=name)):
            yield from _returned(module, name)
        case _:
            raise Unfollowed(ast.unparse(node))


def _phrases(module: Module, node: ast.expr) -> Iterator[str]:
    """Yield what may stand in a place of a sentence and is words itself."""
    try:
        yield from (text for text in _texts(module, node) if " " in text or "“" in text)
    except Unfollowed:
        return


def _template(parts: list[ast.expr]) -> str:
    number, text = 0, ""
    for part in parts:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            number += 1
            text += f"{{{number}}}"
    return text


def _named(module: Module, node: ast.AST, name: str) -> Iterator[str]:
    for function in module.around(node):
        its = [one.arg for one in (*function.args.args, *function.args.kwonlyargs) if one.arg != "self"]
        if name in its and function.name == "__init__":
            raise Unfollowed(name)
        if name in its:
            for call in module.calls(function.name):
                yield from _argument(module, call, name, place=its.index(name))
            return
        if values := list(_assigned(function, name)):
            for value in values:
                yield from _texts(module, value)
            return
    values = list(_assigned(module.tree, name))
    if not values:
        raise Unfollowed(name)
    for value in values:
        yield from _texts(module, value)


def _argument(module: Module, call: ast.Call, name: str, *, place: int) -> Iterator[str]:
    given = [one.value for one in call.keywords if one.arg == name] or call.args[place : place + 1]
    for value in given:
        yield from _texts(module, value)


def _assigned(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield node.value
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=True)
                    yield from (value for one, value in pairs if isinstance(one, ast.Name) and one.id == name)


def _returned(module: Module, name: str) -> Iterator[str]:
    function = next((one for one in ast.walk(module.tree) if getattr(one, "name", None) == name), None)
    if not isinstance(function, ast.FunctionDef):
        raise Unfollowed(name)
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _texts(module, node.value)


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
