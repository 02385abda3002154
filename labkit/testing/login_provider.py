"""A small OpenID Connect provider and LTI 1.3 platform, of the tests' own. It stands in for a university's login and a learning platform.

It knows one person at a time (``person``, set by the test), asks for no password, and keeps nothing. What it does as the real ones do:
authorization code with client secret, user information for a bearer token; for LTI a signed id token and a set of public keys.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "labkit", "a-shared-secret"


class Provider:
    """Serves on a free port while used as a context manager."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self, urlsplit(self.path).path, parse_qs(urlsplit(self.path).query))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                provider.answer(self, urlsplit(self.path).path, parse_qs(body))

            def log_message(self, *_args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Provider:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, path: str, fields: dict[str, list[str]]) -> None:
        """Answer one request."""
        one = {name: values[0] for name, values in fields.items()}
        if path == "/authorize":
            code = secrets.token_hex(8)
            self.codes[code] = dict(self.person)
            back = f"{one['redirect_uri']}?{urlencode({'code': code, 'state': one['state']})}"
            handler.send_response(302)
            handler.send_header("Location", back)
            handler.end_headers()
        elif path == "/token":
            self._send(handler, self._token(handler, one))
        elif path == "/userinfo":
            token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
            self._send(handler, self.tokens.get(token))
        elif path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            self._send(handler, {"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]})
        else:
            self._send(handler, None)

    def _token(self, handler: BaseHTTPRequestHandler, fields: dict[str, str]) -> dict[str, Any] | None:
        basic = (handler.headers.get("Authorization") or "").removeprefix("Basic ")
        given = base64.b64decode(basic).decode() if basic else f"{fields.get('client_id')}:{fields.get('client_secret')}"
        person = self.codes.pop(fields.get("code", ""), None)
        if person is None or given != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return None
        token = secrets.token_hex(8)
        self.tokens[token] = person
        return {"access_token": token, "token_type": "bearer"}

    def launch_token(self, nonce: str, **claims: Any) -> str:
        """Return the id token with which a learning platform sends a person."""
        lti = "https://purl.imsglobal.org/spec/lti/claim/"
        content = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "azp": CLIENT_ID,
            "exp": int(time.time()) + 60,
            "iat": int(time.time()),
            "nonce": nonce,
            f"{lti}message_type": "LtiResourceLinkRequest",
            f"{lti}version": "1.3.0",
            f"{lti}deployment_id": "1",
            f"{lti}target_link_uri": "http://127.0.0.1/hub",
            f"{lti}resource_link": {"id": "1"},
            f"{lti}roles": [],
            **claims,
        }
        return jwt.encode(content, self.key, algorithm="RS256", headers={"kid": "one"})

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, content: Any) -> None:
        data = json.dumps(content if content is not None else {"error": "no"}).encode()
        handler.send_response(200 if content is not None else 400)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
