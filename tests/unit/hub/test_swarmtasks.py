"""Tasks that outlive their service, and services that no hub knows of, against a played swarm."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

import pytest
from docker.errors import APIError, NotFound
from jupyterhub.spawner import SpawnException

from labkit.errors import StorageUnreachable
from labkit_hub.placement import label_value, server_object_name
from labkit_hub.swarmspawner import LabKitSwarmSpawner
from labkit_hub.swarmtasks import remove_strange_services

RUN = server_object_name("labkit", "anna", "run-a")


class PlayedSwarm:
    """Services by name, each with one task; a task is gone some looks after its service was removed."""

    def __init__(self, *names: str, state: str = "running", looks: int = 2, fault: int = 0) -> None:
        self.names, self.looks, self.fault, self.removed = list(names), looks, fault, list[str]()
        self.state = dict.fromkeys(names, state)

    def services(self, **asked: Any) -> list[dict[str, Any]]:
        assert asked == {"filters": {"label": ["labkit.hub=labkit"]}}
        return [{"ID": name, "Spec": {"Name": name}} for name in self.names]

    def remove_service(self, name: str) -> None:
        if name not in self.names:
            raise NotFound("no", response=mock.Mock(status_code=404))
        self.names.remove(name)
        self.removed.append(name)

    def tasks(self, *, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
        if self.fault:
            raise APIError("no leader", response=mock.Mock(status_code=self.fault))
        assert "labkit.hub=labkit" in filters["label"]
        found = [{"ServiceID": name, "Status": {"State": state}} for name, state in self.state.items()]
        if self.removed:
            self.looks -= 1
        if self.looks <= 0:
            self.state = {name: state for name, state in self.state.items() if name in self.names}
        return found


@pytest.fixture
def spawner(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run's spawner; what it asks of Docker is answered by what is set as its `swarm`."""
    monkeypatch.setattr("labkit_hub.swarmspawner._LOOK_S", 0.0)
    monkeypatch.setattr(LabKitSwarmSpawner, "name", "run-a")  # the hub's is a property of its row
    spawner = LabKitSwarmSpawner(container_prefix_of_hub="labkit")
    spawner.user = mock.Mock()
    spawner.user.name = "anna"

    async def ask(method: str, *words: Any, **named: Any) -> Any:
        return getattr(spawner.swarm, method)(*words, **named)

    spawner.docker = ask
    return spawner


def test_a_server_is_there_until_its_task_is_gone(spawner: Any) -> None:
    """The swarm forgets the service at once; to stop it is to wait."""
    spawner.swarm = PlayedSwarm(RUN)
    spawner.swarm.remove_service(RUN)
    assert asyncio.run(spawner.poll()) is None
    asyncio.run(spawner.remove_object())
    assert asyncio.run(spawner.poll()) == 0


def test_a_task_that_does_not_end_is_told(spawner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its device is not free."""
    monkeypatch.setattr("labkit_hub.swarmspawner.END_S", 0.0)
    spawner.swarm = PlayedSwarm(RUN, looks=10**9)
    with pytest.raises(TimeoutError):
        asyncio.run(spawner.remove_object())
    with pytest.raises(StorageUnreachable):
        remove_strange_services(PlayedSwarm(RUN, looks=10**9), "labkit", (), timeout_s=0.0)


def test_a_service_whose_task_has_ended_is_removed(spawner: Any) -> None:
    """The swarm would keep it for ever."""
    spawner.swarm = PlayedSwarm(RUN, state="complete")
    assert asyncio.run(spawner.poll()) == "The task has ended: complete"
    assert spawner.swarm.removed == [RUN]


def test_a_swarm_without_a_leader_says_nothing_of_a_server(spawner: Any) -> None:
    """It is held for running: else its device would be lent twice."""
    spawner.swarm = PlayedSwarm(RUN, fault=503)
    assert asyncio.run(spawner.poll()) is None


@pytest.mark.parametrize("state", ["rejected", "failed", "complete"])
def test_a_task_that_has_ended_ends_the_start(spawner: Any, state: str) -> None:
    """At once, not when the time for starting is over."""
    spawner.swarm = PlayedSwarm(RUN, state=state)
    with pytest.raises(SpawnException, match=state):
        asyncio.run(spawner.start_object())


def test_tasks_are_asked_for_by_person_and_server(spawner: Any) -> None:
    """As the placement labels them."""
    spawner.swarm = mock.Mock()
    spawner.swarm.tasks.return_value = []
    asyncio.run(spawner.get_task())
    labels = ["labkit.hub=labkit", f"labkit.user={label_value('anna')}", "labkit.server=run-a"]
    spawner.swarm.tasks.assert_called_once_with(filters={"label": labels})


def test_services_that_are_not_known_are_removed_and_awaited() -> None:
    """And nothing else; also the task of one that somebody else has removed is waited for."""
    swarm = PlayedSwarm("labkit-server-anna-x", RUN, "labkit-run-ben-z", looks=2)
    swarm.remove_service("labkit-run-ben-z")
    assert remove_strange_services(swarm, "labkit", {"labkit-server-anna-x"}) == [RUN]
    assert list(swarm.state) == ["labkit-server-anna-x"]
