"""Python code as tokens that do not change when names, literals, comments or layout do.

The scanner never fails: code that Python cannot parse, magics of IPython and half a string give tokens too.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Token", "folded", "own_names", "scan"]

_NAME, _NUMBER, _TEXT = "n", "0", "s"
_LIBRARY = frozenset(dir(builtins)) | frozenset(keyword.kwlist)
_MOST_TOKENS = 50_000  # of one cell: nobody writes them by hand

_PREFIX = r"(?:[rRbBuUfFtT]{1,2})?"
# Possessive throughout: what was taken is never given back, however long a text without an end is.
_SCANNER = re.compile(
    rf"""
    (?P<skip>[ \t\r\f]+|\\\n|\#[^\n]*)
    |(?P<line>\n)
    |(?P<text>{_PREFIX}(?:
        '''(?:[^'\\]++|\\.|'(?!''))*+(?:'''|\Z)
        |\"\"\"(?:[^"\\]++|\\.|"(?!""))*+(?:\"\"\"|\Z)
        |'(?:[^\\\n']++|\\.)*+(?:'|(?=\n)|\Z)
        |"(?:[^\\\n"]++|\\.)*+(?:"|(?=\n)|\Z)
    ))
    |(?P<number>\.?[0-9](?:[eE][+-]|[0-9A-Za-z_.])*+)
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>\*\*=?|//=?|>>=?|<<=?|!=|:=|->|\.\.\.|[-+*/%&|^@=<>]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A token as it is written, its line (from 1), its kind, and the token before it, which tells attributes from names."""

    text: str
    line: int
    kind: str
    after: str


def scan(source: str) -> list[Token]:
    """Return the tokens of a cell, without comments, docstrings and layout."""
    found: list[Token] = []
    line, before, begins = 1, "", True
    for match in _SCANNER.finditer(source):
        kind, text = match.lastgroup or "sign", match.group()
        if kind == "line":
            begins = True
        elif kind != "skip" and not (kind == "text" and begins and _stands_alone(source, match.end())):
            found.append(Token(text, line, kind, before))
            before, begins = text, False
        line += text.count("\n")
        if len(found) >= _MOST_TOKENS:
            break
    return found


def _stands_alone(source: str, end: int) -> bool:
    """Return whether nothing follows on the line: a text that begins and ends a line is a docstring, which is a comment."""
    stop = source.find("\n", end)
    rest = source[end : stop if stop >= 0 else len(source)].strip()
    return not rest or rest.startswith("#")


def own_names(tokens: Iterable[Token]) -> frozenset[str]:
    """Return the names of functions, classes and attributes that the code makes itself: these can be renamed."""
    names: set[str] = set()
    last: list[Token] = []
    for token in tokens:
        if token.kind == "name" and token.after in ("def", "class"):
            names.add(token.text)
        if token.text == "=" and len(last) > 2 and last[-1].kind == "name" and [t.text for t in last[-3:-1]] == ["self", "."]:
            names.add(last[-1].text)
        last = [*last[-2:], token]
    return frozenset(names)


def folded(token: Token, own: frozenset[str]) -> str:
    """Return what a token is compared by.

    All names that a person chooses are one, as are all numbers and all texts. What cannot be renamed stays as it is: keywords,
    built-in functions, and attributes of libraries.
    """
    if token.kind == "name":
        kept = token.text not in own if token.after == "." else token.text in _LIBRARY and token.text not in own
        return token.text if kept else _NAME
    return {"number": _NUMBER, "text": _TEXT}.get(token.kind, token.text)
