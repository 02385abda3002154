"""A learning platform's gradebook, played.

A small HTTP server looks at signatures, scopes and media types as the specifications demand, and keeps scores. Where the specifications
leave room it does as Moodle 4.2 was seen to do: it compares whole seconds, says beside the status why it refuses, takes 255 characters for
a column's name, takes no score of somebody who is no student, and rescales what it has when a maximum changes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

from labkit_hub.service.passback.keys import SigningKey

__all__ = ["CLIENT", "LINE_ITEM_SCOPE", "SCORE_SCOPE", "PlayedPlatform", "serve_platform"]

CLIENT = "labkit-at-the-platform"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LINE_ITEM_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
SCORE_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
_LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
_CONTAINER = "application/vnd.ims.lis.v2.lineitemcontainer+json"
_SCORE = "application/vnd.ims.lis.v1.score+json"


@dataclass
class PlayedPlatform:
    """Gives tokens to who proves to have the key, and keeps line items and scores.

    ``moods`` are statuses with which it answers the next requests that carry a score; ``strangers`` are no students of its course.
    """

    key: SigningKey
    now: Callable[[], datetime]
    url: str = ""
    strangers: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    scopes: set[str] = field(default_factory=set)
    seen_assertions: set[str] = field(default_factory=set)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    moods: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    token_requests: int = 0

    def token(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        """Give a token to who signs with the key; an assertion is taken once."""
        self.token_requests += 1
        if form.get("grant_type") != ["client_credentials"] or form.get("client_assertion_type") != [_ASSERTION]:
            return 400, {"error": "unsupported_grant_type"}
        try:
            assertion = form["client_assertion"][0]
            key = jwt.PyJWK(self.key.public)
            if jwt.get_unverified_header(assertion)["kid"] != self.key.public["kid"]:
                raise jwt.InvalidKeyError("another key")
            claims = jwt.decode(assertion, key.key, algorithms=["RS256"], audience=f"{self.url}/token", issuer=CLIENT)
        except (jwt.PyJWTError, KeyError) as error:
            return 401, {"error": "invalid_client", "error_description": str(error)}
        if claims["sub"] != CLIENT or claims["jti"] in self.seen_assertions or claims["exp"] - claims["iat"] > 3600:
            return 401, {"error": "invalid_client"}
        self.seen_assertions.add(claims["jti"])
        token = f"token-{self.token_requests}"
        self.tokens = {token}
        self.scopes = set(form["scope"][0].split())
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": form["scope"][0]}

    def answer(self, method: str, path: str, query: dict[str, list[str]], headers: Any, body: bytes) -> tuple[int, Any, dict[str, str]]:
        """Return status, body and headers of an answer."""
        if path == "/token":
            return *self.token(parse_qs(body.decode())), {}
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": "token"}, {}
        if path == "/items":
            return *self.collection(method, query, headers, body), {}
        name, _, rest = path.removeprefix("/items/").partition("/")
        if name not in self.items:
            return 404, {"error": "no such line item"}, {}
        if rest == "scores":
            return self.score(method, name, headers, body)
        if method != "PUT" or headers.get("Content-Type") != _LINE_ITEM:
            return 415, {}, {}
        was, self.items[name] = self.items[name], json.loads(body)
        self.rescale(name, self.items[name]["scoreMaximum"] / was["scoreMaximum"])
        return 200, self.items[name], {}

    def rescale(self, name: str, factor: float) -> None:
        """Keep the share of each score, as if it had been written now."""
        for (item, _), score in self.scores.items():
            if item == name and factor != 1:
                score.update(scoreGiven=score["scoreGiven"] * factor, timestamp=self.now().isoformat())

    def collection(self, method: str, query: dict[str, list[str]], headers: Any, body: bytes) -> tuple[int, Any]:
        """List the line items, or make one."""
        if LINE_ITEM_SCOPE not in self.scopes:
            return 403, {"error": "scope"}
        if method == "GET":
            if headers.get("Accept") != _CONTAINER:
                return 406, {}
            wanted = query.get("resource_id")
            return 200, [item for item in self.items.values() if wanted in (None, [item["resourceId"]])]
        if headers.get("Content-Type") != _LINE_ITEM:
            return 415, {}
        if len(json.loads(body)["label"]) > 255:
            return 500, {}
        name = f"item{len(self.items) + 1}"
        self.items[name] = {**json.loads(body), "id": f"{self.url}/items/{name}?type=7", "gradebookColumnId": "kept"}
        return 201, self.items[name]

    def score(self, method: str, name: str, headers: Any, body: bytes) -> tuple[int, Any, dict[str, str]]:
        """Take a score, unless it is older than the one that is there."""
        if SCORE_SCOPE not in self.scopes or method != "POST":
            return 403, {"error": "scope"}, {}
        if headers.get("Content-Type") != _SCORE:
            return 415, {"error": "media type"}, {}
        if self.moods:
            status, more = self.moods.pop(0)
            return status, {"error": "mood"}, more
        score = json.loads(body)
        key = (name, score["userId"])
        if score["userId"] in self.strangers:
            return 400, [], {"reason": f"Incorrect score received{body.decode()}"}
        if key in self.scores and _second(score) <= _second(self.scores[key]):
            return 409, [], {"reason": "Refusing score with an earlier timestamp"}
        self.posted.append(dict(score))
        self.scores[key] = score  # last: tests wait for it
        return 200, [], {}

    def points(self) -> dict[str, float]:
        """Return what stands in the gradebook, by what the platform calls people."""
        return {subject: score["scoreGiven"] for (_, subject), score in self.scores.items()}


def _second(score: dict[str, Any]) -> int:
    """Return when a score was made, as exactly as Moodle looks."""
    return int(datetime.fromisoformat(score["timestamp"]).timestamp())


@contextmanager
def serve_platform(key: SigningKey, now: Callable[[], datetime]) -> Iterator[PlayedPlatform]:
    """Play, on a free port, the platform that knows LabKit by this key; ``now`` is its clock."""
    played = PlayedPlatform(key, now)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _door(played))
    played.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield played
    finally:
        server.shutdown()
        server.server_close()


def _door(played: PlayedPlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer, headers = played.answer(self.command, parts.path, parse_qs(parts.query), self.headers, body)
            data = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status, headers.pop("reason", None))
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
