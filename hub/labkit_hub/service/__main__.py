"""Stands in for the service until it is there: admits by profile alone, and runs by a ticket that is always the same."""

from __future__ import annotations

import hmac
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from labkit_hub.profiles import load_profiles
from labkit_hub.service.internal import Admission, Admitted, LeasedDevice, RunTask
from labkit_hub.settings import load_settings

SETTINGS = load_settings()
PROFILES = {profile.slug: profile for profile in load_profiles(SETTINGS.profiles)}
TOKEN = os.environ["JUPYTERHUB_API_TOKEN"]


class Handler(BaseHTTPRequestHandler):
    """Answers the hub."""

    def do_POST(self) -> None:
        """Answer ``internal/...``."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if not hmac.compare_digest(self.headers.get("Authorization", ""), f"token {TOKEN}"):
            return self.answer(403, error("Only the hub may ask."))
        if self.path.endswith("/admit"):
            return self.answer(*admit(Admission.model_validate_json(body)))
        if self.path.endswith("/offer"):
            slugs = [slug for slug, profile in PROFILES.items() if "server" in profile.purposes]
            return self.answer(200, {"profiles": slugs, "devices": {"total": SETTINGS.devices.fake, "free": SETTINGS.devices.fake}})
        return self.answer(200, {})

    def do_GET(self) -> None:
        """Answer ``internal/notice`` and everything else."""
        self.answer(200, {})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        """Send JSON."""
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def error(message: str) -> dict[str, Any]:
    """Return a refusal."""
    return {"error": {"type": "NotWritable", "message": message, "hint": "Ask an admin."}}


def admit(asked: Admission) -> tuple[int, dict[str, Any]]:
    """Return status and answer."""
    run = None
    if asked.server:
        if asked.ticket != "valid":
            return 403, error("The ticket is not valid.")
        run = RunTask(id=asked.server.removeprefix("run-"), path="projects/one/runs")
    profile = PROFILES.get(asked.profile or next(iter(PROFILES)))
    if profile is None:
        return 400, error(f"No profile for servers is called {asked.profile!r}.")
    if profile.gpus and not SETTINGS.devices.fake:
        return 409, error("No device is free; 3 runs wait.")
    devices = tuple(LeasedDevice(key=f"fake-{number}", kind="fake") for number in range(profile.gpus))
    return 200, Admitted(profile=profile.slug, devices=devices, run=run).model_dump(mode="json")


if __name__ == "__main__":
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    ThreadingHTTPServer((address.hostname or "127.0.0.1", address.port or 80), Handler).serve_forever()
