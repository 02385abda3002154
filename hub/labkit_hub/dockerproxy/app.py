"""The socket proxy: reads a call, decides, writes a new one, hands the answer through."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from labkit_hub.dockerproxy.callers import ATTACH_LABEL, CALLER_LABEL, Caller, ProxySettings
from labkit_hub.dockerproxy.calls import Call, read_call, with_label
from labkit_hub.dockerproxy.docker_socket import DockerSocket
from labkit_hub.dockerproxy.network_policy import rebuild_connect, rebuild_disconnect, rebuild_network
from labkit_hub.dockerproxy.policy import prefixed, rebuild_container
from labkit_hub.dockerproxy.refusal import Refused

__all__ = ["make_app"]

_log = logging.getLogger("labkit.dockerproxy")
_LARGEST_BODY = 256 * 1024
_SETTINGS = web.AppKey("settings", ProxySettings)
_SOCKET = web.AppKey("socket", DockerSocket)
_PATHS = {
    "version": ("GET", "/version"),
    "ping": ("GET", "/_ping"),
    "image.inspect": ("GET", "/images/{}/json"),
    "container.create": ("POST", "/containers/create"),
    "container.list": ("GET", "/containers/json"),
    "container.inspect": ("GET", "/containers/{}/json"),
    "container.start": ("POST", "/containers/{}/start"),
    "container.stop": ("POST", "/containers/{}/stop"),
    "container.kill": ("POST", "/containers/{}/kill"),
    "container.wait": ("POST", "/containers/{}/wait"),
    "container.remove": ("DELETE", "/containers/{}"),
    "network.create": ("POST", "/networks/create"),
    "network.list": ("GET", "/networks"),
    "network.inspect": ("GET", "/networks/{}"),
    "network.remove": ("DELETE", "/networks/{}"),
    "network.connect": ("POST", "/networks/{}/connect"),
    "network.disconnect": ("POST", "/networks/{}/disconnect"),
    "volume.sizes": ("GET", "/system/df"),
}
_SIZES_VERSION = "/v1.44"  # the last that is known to list volumes so; older ones do, too


def make_app(settings: ProxySettings) -> web.Application:
    """Return the application; ``/health`` answers anybody, everything else only a caller."""
    app = web.Application(client_max_size=_LARGEST_BODY)
    app[_SETTINGS] = settings
    app.cleanup_ctx.append(_open_socket)
    app.router.add_get("/health", _health)
    app.router.add_route("*", "/{anything:.*}", _answer)
    return app


async def _open_socket(app: web.Application) -> AsyncIterator[None]:
    async with DockerSocket(app[_SETTINGS].socket) as socket:
        app[_SOCKET] = socket
        yield


async def _health(request: web.Request) -> web.Response:
    try:
        async with request.app[_SOCKET].call("GET", "/_ping", anew=True) as answer:
            return web.Response(
                status=200 if answer.status == 200 else 503, text="ok\n" if answer.status == 200 else "Docker is not well.\n"
            )
    except (aiohttp.ClientError, OSError):
        return web.Response(status=503, text="Docker does not answer.\n")


async def _answer(request: web.Request) -> web.StreamResponse:
    """Answer one call. The request's path is read as it came: aiohttp would decode it."""
    try:
        found = request.app[_SETTINGS].caller_at(request.remote)
        if found is None:
            raise Refused(f"{request.remote} is no caller of this proxy.")
        call = read_call(request.method, request.raw_path)
        return await _Turn(request, call, *found).take()
    except Refused as refusal:
        _log.warning("refused %s: %s", request.remote, refusal.message)
        return _say(403, refusal.message)
    except web.HTTPRequestEntityTooLarge:
        _log.warning("refused %s: a body above %d bytes", request.remote, _LARGEST_BODY)
        return _say(413, f"The body is larger than {_LARGEST_BODY} bytes.")
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        _log.error("Docker did not answer: %s", error)
        return _say(502, "Docker did not answer.")


def _say(status: int, message: str) -> web.Response:
    """Answer as Docker does, so that its clients show the sentence."""
    return web.json_response({"message": message}, status=status)


class _NotThere(Exception):
    """What the call is about does not exist."""


class _Turn:
    """One call of one caller."""

    def __init__(self, request: web.Request, call: Call, name: str, caller: Caller) -> None:
        self.request, self.call, self.name, self.caller = request, call, name, caller
        self.socket = request.app[_SOCKET]

    async def take(self) -> web.StreamResponse:
        """Decide and hand on; what does not exist is answered as Docker answers it."""
        raw = await self.request.read()
        try:
            target = await self._target()
            query = self._query()
            body = await self._body(raw)
        except _NotThere as missing:
            return _say(404, str(missing))
        method, path = _PATHS[self.call.kind]
        if self.call.kind not in ("version", "ping"):
            _log.info("%s: %s %s", self.name, self.call.kind, query.get("name") or self.call.name)
        if self.call.kind == "volume.sizes":
            return await self._sizes(path)
        return await self._hand_on(method, self.call.version + path.format(target), query, body)

    async def _target(self) -> str:
        """Return the id of what the call is about: looked up once, so that no other thing can take its name meanwhile."""
        kind, name = self.call.target, self.call.name
        if kind == "image" and name not in self.caller.images:
            raise Refused(f"The image {name!r} is not in the list of this caller.")
        if kind in ("none", "image"):
            return name
        if kind == "network":
            return await self._own_network(name)
        return await self._own_container(name, may_remove=self.call.kind == "container.remove")

    async def _own_container(self, name: str, *, may_attach: bool = False, may_remove: bool = False) -> str:
        facts = await self.socket.facts(f"/containers/{name}/json")
        if facts is None:
            raise _NotThere(f"No such container: {name}")
        labels = facts["Config"]["Labels"] or {}
        own = labels.get(CALLER_LABEL) == self.caller.owner or (may_remove and labels.get(CALLER_LABEL) in self.caller.ward_owners)
        if not own and not (may_attach and labels.get(ATTACH_LABEL) == self.caller.owner):
            raise Refused(f"The container {name!r} is not one of this caller.")
        return str(facts["Id"])

    async def _own_network(self, name: str) -> str:
        facts = await self.socket.facts(f"/networks/{name}")
        if facts is None:
            raise _NotThere(f"network {name} not found")
        if (facts.get("Labels") or {}).get(CALLER_LABEL) != self.caller.owner:
            raise Refused(f"The network {name!r} is not one of this caller.")
        return str(facts["Id"])

    def _query(self) -> dict[str, str]:
        """Return the parameters; a list shows what is the caller's, or what it may attach or clean up if it asks for that."""
        query = dict(self.call.query)
        if self.call.kind in ("container.list", "network.list"):
            others = [f"{ATTACH_LABEL}={self.caller.owner}", *(f"{CALLER_LABEL}={owner}" for owner in self.caller.ward_owners)]
            own = f"{CALLER_LABEL}={self.caller.owner}"
            asked = [label for label in others if self.call.kind == "container.list" and json.dumps(label) in query.get("filters", "")]
            query["filters"] = with_label(query.get("filters"), asked[0] if asked else own)
        if self.call.kind == "container.create":
            prefixed(query.get("name", ""), self.caller, "A container")
        return query

    async def _body(self, raw: bytes) -> Mapping[str, Any] | None:
        """Return a new body for calls that have one; what others send is dropped."""
        match self.call.kind:
            case "container.create":
                body = rebuild_container(raw, self.call.query["name"], self.caller)
                if (network := body["HostConfig"]["NetworkMode"]) != "none":
                    body["HostConfig"]["NetworkMode"] = await self._own_network(network)
                return body
            case "network.create":
                return rebuild_network(raw, self.caller)
            case "network.connect":
                container, endpoint = rebuild_connect(raw, self.caller)
                return {"Container": await self._own_container(container, may_attach=True), "EndpointConfig": endpoint}
            case "network.disconnect":
                container, force = rebuild_disconnect(raw)
                return {"Container": await self._own_container(container, may_attach=True), "Force": force}
            case _:
                return None

    async def _sizes(self, path: str) -> web.Response:
        """Answer with name and size of the caller's volumes; Docker tells of all, and more of each."""
        version = min(self.call.version or _SIZES_VERSION, _SIZES_VERSION)
        found = await self.socket.facts(f"{version}{path}", query={"type": "volume"}) or {}
        own = [volume for volume in found.get("Volumes") or () if volume["Name"].startswith(self.caller.prefix)]
        sizes = [{"Name": volume["Name"], "UsageData": {"Size": (volume.get("UsageData") or {}).get("Size", -1)}} for volume in own]
        return web.json_response({"Volumes": sizes})

    async def _hand_on(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> web.StreamResponse:
        """Send the new call and stream the answer; of the headers only the kind of content goes either way."""
        is_long, anew = self.call.kind == "container.wait", self.call.kind == "ping"
        async with self.socket.call(method, path, query=query, body=body, is_long=is_long, anew=anew) as upstream:
            answer = web.StreamResponse(status=upstream.status)
            answer.content_type = upstream.content_type or "application/json"
            if upstream.status in (204, 304):
                await answer.prepare(self.request)
                return answer
            answer.enable_chunked_encoding()
            await answer.prepare(self.request)
            async for piece in upstream.content.iter_chunked(65536):
                await answer.write(piece)
            await answer.write_eof()
            return answer
