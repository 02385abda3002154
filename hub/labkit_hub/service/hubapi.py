"""The hub's servers, people and groups: definite answers, and those that prove nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labkit.errors import StorageUnreachable
from labkit_hub.service.context import Meters, ServerState, ServerView
from labkit_hub.service.hubhttp import HubAnswer, HubHttp

__all__ = ["HubClient", "require_answer"]

_PAGED = {"Accept": "application/jupyterhub-pagination+json"}
_PAGE = 200
_READINGS = 3
_FACTS = ("started", "last_activity", "url", "pending", "display_name")


class HubClient:
    """Implements `labkit_hub.service.context.HubApi`, and what the people room asks of the hub; threads share it.

    A 200 or a 404 of the hub itself is definite. A 403 (the hub gives it to everybody while its database is away), any other
    refusal, a fault, silence and answers of something that is no hub are not: ``unknown``, None or `StorageUnreachable`.
    """

    def __init__(self, http: HubHttp, meters: Meters) -> None:
        self._http = http
        self._meters = meters

    def server(self, user: str, name: str) -> ServerView:
        """Return how one server stands; ``absent`` also if there is no such user."""
        answer = self._http.ask("GET", *_server_path(user, name))
        if answer.kind == "missing":
            return ServerView(user, name, "absent")
        if answer.kind == "ok" and isinstance(answer.body, dict):
            return _view(user, name, answer.body)
        return ServerView(user, name, "unknown", facts={"message": answer.message, "status": answer.status})

    def servers(self) -> Sequence[ServerView] | None:
        """Return all servers that the hub knows, stopped ones too; None if it gave no definite answer."""
        users = self._all("users", {"include_stopped_servers": "1"})
        if users is None:
            return None
        return [_view(str(user["name"]), str(name), model) for user in users for name, model in sorted((user.get("servers") or {}).items())]

    def start_server(self, user: str, name: str, user_options: Mapping[str, Any]) -> ServerView:
        """Ask for a server, once.

        Returns
        -------
        ServerView
            ``running`` or ``pending`` if the hub took it; ``stopped`` if it definitely did not, with ``facts["message"]``, and
            ``facts["retry_after_s"]`` if it was too busy; ``unknown`` if it may have.
        """
        answer = self._http.ask("POST", *_server_path(user, name), json={"user_options": dict(user_options)})
        facts = {"message": answer.message, "status": answer.status}
        if answer.kind == "ok":
            return ServerView(user, name, "pending" if answer.status == 202 else "running", str(user_options.get("profile", "")))
        if answer.kind == "silent" or (answer.kind == "fault" and not answer.body):
            return ServerView(user, name, "unknown", facts=facts)
        if answer.status == 429:
            self._meters.spawn_throttled()
            facts["retry_after_s"] = answer.retry_after_s or 10.0
        # The hub has finished with the request and did not say yes; how the server stands now is the answer.
        now = self.server(user, name)
        if now.state in ("stopped", "absent"):
            return ServerView(user, name, "stopped", facts=facts)
        return now if now.state != "unknown" else ServerView(user, name, "unknown", facts=facts)

    def stop_server(self, user: str, name: str, *, remove: bool) -> ServerView:
        """Ask for the end of a server, and for its row's if it is a named one; asking again does no harm."""
        answer = self._http.ask("DELETE", *_server_path(user, name), json={"remove": True} if remove and name else None)
        if answer.kind == "missing":
            return ServerView(user, name, "absent")
        if answer.kind == "ok" and answer.status == 202:
            return ServerView(user, name, "pending")
        if answer.kind == "silent":
            return ServerView(user, name, "unknown", facts={"message": answer.message})
        return self.server(user, name)

    def is_admin(self, name: str) -> bool:
        """Return whether the hub calls this person an admin; a person it does not know is none.

        Raises
        ------
        StorageUnreachable
            It gave no definite answer.
        """
        answer = self._http.ask("GET", "users", name)
        if answer.kind == "missing":
            return False
        return bool(require_answer(answer).body.get("admin"))

    def user_names(self) -> frozenset[str] | None:
        """Return the names of all people that the hub knows; None if it gave no definite answer."""
        users = self._all("users", {})
        return None if users is None else frozenset(str(user["name"]) for user in users)

    def groups(self) -> dict[str, frozenset[str]] | None:
        """Return all groups with their members; None if the hub gave no definite answer."""
        groups = self._all("groups", {})
        return None if groups is None else {str(group["name"]): frozenset(group.get("users") or ()) for group in groups}

    def create_group(self, group: str) -> None:
        """Make a group; nothing happens if it is there.

        Raises
        ------
        StorageUnreachable
            The hub did not do it.
        """
        answer = self._http.ask("POST", "groups", group, json={})
        if answer.status != 409:
            require_answer(answer)

    def add_to_group(self, group: str, names: Iterable[str]) -> None:
        """Put people whom the hub knows into a group.

        Raises
        ------
        StorageUnreachable
            The hub did not do it.
        """
        require_answer(self._http.ask("POST", "groups", group, "users", json={"users": sorted(names)}))

    def remove_from_group(self, group: str, names: Iterable[str]) -> None:
        """Take people out of a group.

        Raises
        ------
        StorageUnreachable
            The hub did not do it.
        """
        require_answer(self._http.ask("DELETE", "groups", group, "users", json={"users": sorted(names)}))

    def _all(self, kind: str, params: Mapping[str, str]) -> list[dict[str, Any]] | None:
        """Read all pages; a list that changed meanwhile is read again, since its pages may have a gap."""
        for _ in range(_READINGS):
            found: dict[str, dict[str, Any]] = {}
            totals: set[int] = set()
            for page in self._pages(kind, params):
                if page is None:
                    return None
                items, total = page
                totals.add(total)
                found.update((str(item["name"]), item) for item in items)
            if totals == {len(found)}:
                return list(found.values())
        return None

    def _pages(self, kind: str, params: Mapping[str, str]) -> Iterator[tuple[list[dict[str, Any]], int] | None]:
        offset: int | None = 0
        while offset is not None:
            answer = self._http.ask("GET", kind, params={**params, "limit": str(_PAGE), "offset": str(offset)}, headers=_PAGED)
            if answer.kind != "ok" or not isinstance(answer.body, dict) or "items" not in answer.body:
                yield None
                return
            pagination = answer.body["_pagination"]
            yield answer.body["items"], int(pagination["total"])
            offset = pagination["next"]["offset"] if pagination["next"] else None


def require_answer(answer: HubAnswer) -> HubAnswer:
    """Return a definite yes.

    Raises
    ------
    StorageUnreachable
        It is none.
    """
    if answer.kind != "ok":
        raise StorageUnreachable(f"The hub did not do what was asked: {answer.message}", hint="Try again in a moment.")
    return answer


def _server_path(user: str, name: str) -> tuple[str, ...]:
    return ("users", user, "servers", name) if name else ("users", user, "server")


def _view(user: str, name: str, model: Mapping[str, Any]) -> ServerView:
    state: ServerState = "unknown"
    if model.get("pending"):
        state = "pending"
    elif model.get("ready"):
        state = "running"
    elif model.get("stopped"):
        state = "stopped"
    options = model.get("user_options")
    profile = options.get("profile", "") if isinstance(options, dict) else ""
    return ServerView(user, name, state, str(profile)[:64], {key: model[key] for key in _FACTS if model.get(key) is not None})
