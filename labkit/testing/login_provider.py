"""A small OpenID Connect provider and LTI 1.3 platform, of the tests' own. It stands in for a university's login and a learning platform.

It knows one person at a time (``person``, set by the test), asks for no password, and keeps nothing. What it does as the real ones do
(Canaille 0.3.6 is the strictest of those that LabKit was tried with): a description of itself, no login without a nonce, the client's
secret in a header only, codes that are good once and for the browser that asked, a signed identity token, user information for a bearer
token; for LTI a signed id token. Both with a set of public keys.
"""

from __future__ import annotations

import base64
import hashlib
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
    """Serves on a free port while used as a context manager.

    Attributes
    ----------
    person : dict
        The claims of whoever logs in next.
    token_claims : dict
        What the identity token says instead of the truth.
    refusal : str
        With which error the next login ends; empty for none.
    is_away : bool
        Whether it answers everything by an error of its own.
    """

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self.token_claims: dict[str, Any] = {}
        self.refusal, self.is_away = "", False
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.key = self.signs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
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
        if self.is_away:
            handler.send_error(502)
        elif path == "/.well-known/openid-configuration":
            self._send(handler, self._description())
        elif path == "/authorize":
            handler.send_response(302)
            handler.send_header("Location", f"{one['redirect_uri']}?{urlencode({**self._authorized(one), 'state': one['state']})}")
            handler.end_headers()
        elif path == "/token":
            self._token(handler, one)
        elif path == "/userinfo":
            token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
            self._send(handler, self.tokens.get(token))
        elif path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            self._send(handler, {"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]})
        else:
            self._send(handler, None)

    def _description(self) -> dict[str, str]:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo", "jwks_uri": "keys"}
        return {"issuer": self.url, **{name: f"{self.url}/{place}" for name, place in places.items()}}

    def _authorized(self, asked: dict[str, str]) -> dict[str, str]:
        if self.refusal:
            return {"error": self.refusal}
        if "nonce" not in asked:
            return {"error": "invalid_request", "error_description": "Missing 'nonce' in request."}
        code = secrets.token_hex(8)
        self.codes[code] = {"person": dict(self.person), "asked": asked}
        return {"code": code}

    def _token(self, handler: BaseHTTPRequestHandler, fields: dict[str, str]) -> None:
        basic = (handler.headers.get("Authorization") or "").removeprefix("Basic ")
        if base64.b64decode(basic).decode() != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return self._send(handler, {"error": "invalid_client"}, status=401)
        login = self.codes.pop(fields.get("code", ""), None)
        if login is None or not _proves(fields, login["asked"]):
            return self._send(handler, {"error": "invalid_grant"}, status=400)
        token = secrets.token_hex(8)
        self.tokens[token] = login["person"]
        identity = self._signed({"sub": login["person"].get("sub"), "nonce": login["asked"]["nonce"], **self.token_claims})
        return self._send(handler, {"access_token": token, "token_type": "bearer", "id_token": identity})

    def _signed(self, claims: dict[str, Any]) -> str:
        now = int(time.time())
        content = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 60, **claims}
        return jwt.encode(content, self.signs, algorithm="RS256", headers={"kid": "one"})

    def launch_token(self, nonce: str, **claims: Any) -> str:
        """Return the id token with which a learning platform sends a person."""
        lti = "https://purl.imsglobal.org/spec/lti/claim/"
        content = {
            "azp": CLIENT_ID,
            "nonce": nonce,
            f"{lti}message_type": "LtiResourceLinkRequest",
            f"{lti}version": "1.3.0",
            f"{lti}deployment_id": "1",
            f"{lti}target_link_uri": "http://127.0.0.1/hub",
            f"{lti}resource_link": {"id": "1"},
            f"{lti}roles": [],
            **claims,
        }
        return self._signed(content)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, content: Any, *, status: int = 200) -> None:
        data = json.dumps(content if content is not None else {"error": "no"}).encode()
        handler.send_response(status if content is not None else 400)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


def _proves(fields: dict[str, str], asked: dict[str, str]) -> bool:
    """Say whether a code is brought by the browser and to the address that asked for it (RFC 7636)."""
    digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return challenge == asked.get("code_challenge") and fields.get("redirect_uri") == asked["redirect_uri"]
