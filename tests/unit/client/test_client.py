"""The client of the hub's service: what is asked again, and what a refusal becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from labkit.client import CourseClient, HubClient, HubView, ServiceAddress, service_address
from labkit.client.wire import HubRunItem, NewHubRun, RunReport
from labkit.courses.records import FileEntry
from labkit.errors import Conflict, CorruptStore, HubUnreachable, InvalidInput, LabKitError, NotFound, NotWritable
from labkit.runs.reporting import Reporter
from labkit.storage import utc_now

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def asked() -> list[httpx.Request]:
    """What the client asked."""
    return []


@pytest.fixture
def client_of(asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], HubClient]:
    """Return a client whose hub answers as it is told."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def make(answer: Answer) -> HubClient:
        client = HubClient(ServiceAddress("http://hub/services/labkit", "secret"), patience_s=5.0)

        def note(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return answer(request)

        client._http = httpx.Client(base_url=client._http.base_url, headers=client._http.headers, transport=httpx.MockTransport(note))
        return client

    return make


def _item(**changes: object) -> HubRunItem:
    fields = {"id": "abcdefghijkl", "owner": "zoe", "kind": "train", "path": "a/runs", "profile": "gpu-run", "state": "waiting"}
    return HubRunItem.model_validate(fields | {"submitted": utc_now()} | changes)


def _told(kind: str, status: int) -> Answer:
    return lambda request: httpx.Response(status, json={"error": {"type": kind, "message": "No.", "hint": "Do this."}})


def test_it_says_who_asks(client_of: Callable[[Answer], HubClient], asked: list[httpx.Request]) -> None:
    """Address and token go with each question; what is sent is what the wire's models say."""
    client = client_of(lambda request: httpx.Response(201, text=_item().model_dump_json()))
    assert client.submit("abcdefghijkl", NewHubRun(kind="train", path="a/runs")).state == "waiting"
    (request,) = asked
    assert (request.method, request.url.path) == ("PUT", "/services/labkit/api/runs/abcdefghijkl")
    assert request.headers["Authorization"] == "token secret"
    assert NewHubRun.model_validate_json(request.content).path == "a/runs"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_hub_that_is_away_is_asked_again(client_of: Callable[[Answer], HubClient], asked: list[httpx.Request], status: int) -> None:
    """Until it answers."""
    answers = iter([httpx.Response(status), httpx.Response(status), httpx.Response(200, json={"runs": []})])
    assert client_of(lambda request: next(answers)).runs() == ()
    assert len(asked) == 3


def test_a_hub_that_stays_away_is_said_to_be(client_of: Callable[[Answer], HubClient], asked: list[httpx.Request]) -> None:
    """No connection, and an answer that is no answer, are the same to the person; who only looks asks once."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(HubUnreachable, match="does not answer") as caught:
        client_of(refuse).runs(patience_s=0)
    assert "do not need the hub" in caught.value.hint
    with pytest.raises(HubUnreachable, match="cannot be read"):
        client_of(lambda request: httpx.Response(200, text="<html>")).standing(patience_s=0)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_told("InvalidInput", 400), InvalidInput),
        (_told("Conflict", 409), Conflict),
        (_told("NotFound", 404), NotFound),
        (_told("Response", 422), InvalidInput),
        (_told("__builtins__", 418), LabKitError),
        (lambda request: httpx.Response(404, text="nothing"), NotFound),
        (lambda request: httpx.Response(403, json={"error": ["?"]}), NotWritable),
        (lambda request: httpx.Response(302, headers={"Location": "/hub/login"}), NotWritable),
    ],
)
def test_a_refusal_is_the_error_that_it_was(
    client_of: Callable[[Answer], HubClient], asked: list[httpx.Request], answer: Answer, kind: type[LabKitError]
) -> None:
    """It is built again by its name, with message and hint, and not asked again; an answer in other words is told by its status."""
    with pytest.raises(LabKitError) as caught:
        client_of(answer).cancel("abcdefghijkl")
    assert type(caught.value) is kind
    assert caught.value.message
    assert len(asked) == 1


def test_a_view_keeps_what_it_knows(client_of: Callable[[Answer], HubClient], asked: list[httpx.Request]) -> None:
    """It does not ask again and again; while the hub is away the last answer stands, and what is wrong is told."""
    answers = [httpx.Response(200, json={"runs": [_item(place=0).model_dump(mode="json")]})]
    view = HubView(client_of(lambda request: answers.pop() if answers else httpx.Response(503)), fresh_s=0.0)
    assert view.own_line() == ["abcdefghijkl"]
    assert view.trouble is None
    assert [(item.id, isinstance(view.trouble, HubUnreachable)) for item in view.items().values()] == [("abcdefghijkl", True)]
    before = len(asked)
    for _ in range(5):
        view.items()
    assert len(asked) == before


def test_where_the_hub_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of one's own comes before that of the server; without address or token there is no hub."""
    for name in ("LABKIT_SERVICE_URL", "LABKIT_HUB_TOKEN", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert service_address() is None
    monkeypatch.setenv("LABKIT_SERVICE_URL", "http://hub/services/labkit/")
    assert service_address() is None
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of-the-server")
    assert service_address() == ServiceAddress("http://hub/services/labkit", "of-the-server")
    monkeypatch.setenv("LABKIT_HUB_TOKEN", "own")
    assert service_address() == ServiceAddress("http://hub/services/labkit", "own")


def test_a_report_is_what_the_wire_says() -> None:
    """The run's server writes its reports without the wire's models; long words are cut so that they fit."""
    reporter = Reporter("http://127.0.0.1:9/report", "secret", progress=lambda: "x" * 999)
    report = RunReport.model_validate(reporter.report("failed", "y" * 9999))
    assert (report.state, len(report.reason), len(report.progress)) == ("failed", 4000, 300)


def test_a_file_that_came_damaged_is_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Once; it appears whole or not at all."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    whole = b"cells" * 1000
    file = FileEntry(path="a.csv", sha256=hashlib.sha256(whole).hexdigest(), size=len(whole))
    answers = [whole[:100], whole]
    client = CourseClient(ServiceAddress("http://hub/services/labkit", "secret"))
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=answers.pop(0)))
    client._http = httpx.Client(base_url=client._http.base_url, transport=transport)
    client.fetch_release_file("abcdefghijkl", 1, file, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == whole
    answers = [b"", whole[:100], whole]
    with pytest.raises(CorruptStore, match="damaged"):
        client.fetch_release_file("abcdefghijkl", 1, file, tmp_path / "b.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
