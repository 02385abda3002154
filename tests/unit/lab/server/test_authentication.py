"""No route answers a stranger."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_server.base.handlers import APIHandler
from jupyter_server.serverapp import ServerApp
from tornado.routing import Rule

from labkit_lab.server import ROUTES

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def _rules(router: Any) -> Iterator[Rule]:
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            yield from _rules(rule.target)
        else:
            yield rule


def _registered(app: ServerApp) -> list[tuple[str, type[APIHandler]]]:
    """Return pattern and class of each handler below `/labkit/` that the server really has."""
    rules = [rule for rule in _rules(app.web_app.default_router) if "/labkit/" in getattr(rule.matcher, "regex", re.compile("")).pattern]
    return [(rule.matcher.regex.pattern.rstrip("$"), rule.target) for rule in rules]


async def _answers_to_a_stranger(app: ServerApp, client: Any, base_url: str) -> list[str]:
    """Return 'METHOD path: status' of each request without a token that was let in."""
    let_in = []
    for pattern, handler in _registered(app):
        path = re.sub(r"\([^)]*\)", "x", pattern)
        for method in METHODS:
            if getattr(handler, method.lower()) is getattr(APIHandler, method.lower()):
                continue
            body = "{}" if method in ("POST", "PUT", "PATCH") else None
            response = await client.fetch(path, method=method, body=body, raise_error=False)
            if response.code != 403:
                let_in.append(f"{method} {path.removeprefix(base_url)}: {response.code}")
    return let_in


async def test_no_route_answers_without_a_token(jp_serverapp: ServerApp, http_server_client: Any, jp_base_url: str) -> None:
    """Each method of each registered route answers 403 to a request without a token."""
    assert len(_registered(jp_serverapp)) == len(ROUTES)
    assert await _answers_to_a_stranger(jp_serverapp, http_server_client, jp_base_url) == []


async def test_the_walk_finds_an_open_route(jp_serverapp: ServerApp, http_server_client: Any, jp_base_url: str) -> None:
    """A route that forgets to authenticate is found by the walk above."""

    class OpenRoute(APIHandler):
        def get(self) -> None:
            self.finish("{}")

    jp_serverapp.web_app.add_handlers(".*$", [(f"{jp_base_url}labkit/api/open", OpenRoute)])
    assert await _answers_to_a_stranger(jp_serverapp, http_server_client, jp_base_url) == ["GET labkit/api/open: 200"]


async def test_a_stranger_is_told_in_our_form(http_server_client: Any, jp_base_url: str) -> None:
    """The refusal is an `ErrorReply` too, with what to do next."""
    response = await http_server_client.fetch(f"{jp_base_url}labkit/api/projects", raise_error=False)
    assert json.loads(response.body)["error"]["hint"] == "Reload the page and log in again."


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_wrong_token_is_none(http_server_client: Any, jp_base_url: str, token: str) -> None:
    """An empty or wrong token opens nothing."""
    headers = {"Authorization": f"token {token}"}
    response = await http_server_client.fetch(f"{jp_base_url}labkit/api/projects", headers=headers, raise_error=False)
    assert response.code == 403
