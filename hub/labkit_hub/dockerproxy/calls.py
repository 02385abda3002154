"""Which calls there are: a path and a query become a `Call`, or are refused. Nothing of the original text is passed on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from labkit_hub.dockerproxy.refusal import Refused

__all__ = ["Call", "Target", "read_call", "with_label"]

Target = Literal["none", "image", "container", "network"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that has a meaning here.

    Attributes
    ----------
    kind : str
        What it does, ``container.create`` for one.
    target : {"none", "image", "container", "network"}
        What kind of thing it is about, which must be the caller's.
    name : str
        The name or id of that thing, as the caller wrote it.
    query : dict of str
        The parameters that are known here, checked.
    version : str
        ``/v1.41``, or empty.
    """

    kind: str
    target: Target = "none"
    name: str = ""
    query: dict[str, str] = field(default_factory=dict)
    version: str = ""


_ID = r"([a-zA-Z0-9][a-zA-Z0-9_.-]{0,200})"
# method, path, kind, target, parameters with the pattern of their values
_CALLS: tuple[tuple[str, str, str, Target, dict[str, str]], ...] = (
    ("GET", r"/version", "version", "none", {}),
    ("GET", r"/_ping", "ping", "none", {}),
    ("GET", r"/images/([a-z0-9][a-zA-Z0-9/:._@-]{0,255})/json", "image.inspect", "image", {}),
    ("POST", r"/containers/create", "container.create", "none", {"name": r".{1,200}"}),
    (
        "GET",
        r"/containers/json",
        "container.list",
        "none",
        {"all": "[01]|true|false", "filters": r".{0,2000}", "size": "0", "trunc_cmd": "0", "limit": r"-1"},
    ),
    ("GET", rf"/containers/{_ID}/json", "container.inspect", "container", {}),
    ("POST", rf"/containers/{_ID}/start", "container.start", "container", {}),
    ("POST", rf"/containers/{_ID}/stop", "container.stop", "container", {"t": r"\d{1,3}"}),
    ("POST", rf"/containers/{_ID}/kill", "container.kill", "container", {"signal": r"(SIG)?(KILL|TERM|INT|HUP)|9|15"}),
    ("POST", rf"/containers/{_ID}/wait", "container.wait", "container", {}),
    (
        "DELETE",
        rf"/containers/{_ID}",
        "container.remove",
        "container",
        {"v": "true|false|True|False|0|1", "force": "true|false|True|False|0|1", "link": "False|false|0"},
    ),
    ("POST", r"/networks/create", "network.create", "none", {}),
    ("GET", r"/networks", "network.list", "none", {"filters": r".{0,2000}"}),
    ("GET", rf"/networks/{_ID}", "network.inspect", "network", {"verbose": "false|False|0"}),
    ("DELETE", rf"/networks/{_ID}", "network.remove", "network", {}),
    ("POST", rf"/networks/{_ID}/connect", "network.connect", "network", {}),
    ("POST", rf"/networks/{_ID}/disconnect", "network.disconnect", "network", {}),
    ("GET", r"/system/df", "volume.sizes", "none", {"type": "volume"}),
)
_TABLE = tuple((method, re.compile(path), kind, target, rules) for method, path, kind, target, rules in _CALLS)
_VERSION = re.compile(r"/v1\.[0-9]{2}(?=/)")


def read_call(method: str, raw_path: str) -> Call:
    """Return what is asked for.

    Parameters
    ----------
    method : str
    raw_path : str
        Path and query as they came over the wire, not decoded: an escape in the path is refused, not read.

    Raises
    ------
    Refused
        There is no such call here, or a parameter is unknown, doubled or odd.
    """
    path, _, query = raw_path.partition("?")
    version = _VERSION.match(path)
    rest = path[version.end() :] if version else path
    for wanted, pattern, kind, target, rules in _TABLE:
        if wanted == method and (found := pattern.fullmatch(rest)):
            name = found[1] if found.groups() else ""
            return Call(kind, target, name, _read_query(query, rules), version[0] if version else "")
    raise Refused(f"{method} {path[:120]} is not a call that can be made here.")


def _read_query(query: str, rules: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in found or name not in rules or not re.fullmatch(rules[name], value, re.DOTALL):
            raise Refused(f"The parameter {name[:60]!r} cannot be used here.")
        found[name] = value
    return found


def with_label(filters: str | None, label: str) -> str:
    """Return `filters` of a list (JSON) with one more label that everything listed must carry.

    Raises
    ------
    Refused
        They are no filters by label, name or status.
    """
    try:
        given = json.loads(filters or "{}")
    except (ValueError, RecursionError):
        raise Refused("The filters are no JSON.") from None
    if not isinstance(given, dict) or not given.keys() <= {"label", "name", "status"}:
        raise Refused("Lists are filtered by label, name and status only.")
    lists = {key: list(value) for key, value in given.items() if isinstance(value, (list, dict))}
    if len(lists) != len(given) or not all(isinstance(word, str) for words in lists.values() for word in words):
        raise Refused("The filters must be lists of words.")
    return json.dumps(lists | {"label": [*lists.get("label", []), label]})
