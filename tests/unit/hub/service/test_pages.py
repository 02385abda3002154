"""Pages as browsers get them, on a played hub and queue."""

from __future__ import annotations

import re

import pytest

from labkit_hub.service.audit import note_error
from labkit_hub.settings import ServiceSettings, Settings


@pytest.fixture
def people(hub) -> None:
    """An admin, a professor and two students have accounts."""
    hub.add("admin", admin=True)
    hub.add("prof", groups=("professors",))
    hub.add("student")
    hub.add("ada")


@pytest.fixture
def course(house, people) -> str:
    """A course of the professor with a student."""
    house.browse("prof").post("/courses", data={"title": "Image AI"})
    house.browse("prof").post("/courses/image-ai/members", data={"name": "student", "role": "student"})
    return "image-ai"


def words(page) -> str:
    """Return what a person reads, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


def rows(page) -> list[str]:
    """Return the rows of all tables as a person reads them."""
    found = re.findall(r"<tr.*?</tr>", page.text, flags=re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]


def test_a_student_sees_the_line_without_names(house, people, filled) -> None:
    """Own runs by name with place and reason, those of others as somebody's."""
    page = house.browse("student").get("/")
    assert "ada" not in page.text
    assert "Axons" not in page.text
    assert "1 a run somebody else waiting 7 min" in rows(page)
    assert "2 Nuclei, again you waiting One device at a time for each person. 7 min" in rows(page)


def test_of_a_long_line_the_own_runs_are_seen_and_the_rest_is_counted(house, people, filled) -> None:
    """With two hundred who wait the page stays short: the first of the line, and wherever they are, one's own."""
    (own,) = [run for run in filled.runs if run.owner == "student" and run.state == "waiting"]
    others = [own.model_copy(update={"id": f"other{k:07d}", "owner": "ada", "title": "Axons", "place": k + 2}) for k in range(40)]
    filled.runs = [run for run in filled.runs if run is not own] + others + [own.model_copy(update={"place": 41})]
    page = house.browse("student").get("/")
    assert "42 Nuclei, again you waiting One device at a time for each person. 7 min" in rows(page)
    assert "21 more wait." in words(page)


def test_staff_see_whose_runs_of_their_course_wait(house, course, filled) -> None:
    """Those of other courses stay somebody's."""
    page = house.browse("prof").get("/")
    assert "2 Nuclei, again student waiting One device at a time for each person. 7 min" in rows(page)
    assert "ada" not in page.text


def test_a_runs_page_says_how_it_stands(house, people, filled) -> None:
    """State, progress, device, times."""
    page = words(house.browse("student").get("/runs/k7q2m9x4c1aa"))
    parts = ("Nuclei, U-Net, 20 epochs", "running", "epoch 12 of 20", "NVIDIA L40S", "after waiting for 9 min", "Cancel the run")
    assert [part for part in parts if part not in page] == []


def test_another_persons_run_is_not_there(house, people, filled) -> None:
    """Neither to look at nor to cancel."""
    browser = house.browse("student")
    assert browser.get("/runs/b2c3d4e5f6g7").status_code == 404
    assert browser.post("/runs/b2c3d4e5f6g7/cancel").status_code == 404
    assert next(run.state for run in filled.runs if run.owner == "ada") == "waiting"


def test_a_run_is_cancelled_by_its_button(house, people, filled) -> None:
    """And the page says so."""
    browser = house.browse("student")
    answer = browser.post("/runs/k7q2m9x4c1aa/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, "/services/labkit/runs/k7q2m9x4c1aa?said=cancelled")
    assert "being cancelled" in words(browser.get("/runs/k7q2m9x4c1aa?said=cancelled"))


def test_nothing_on_a_page_is_taken_for_markup(house, people, filled) -> None:
    """Whatever a run is called."""
    filled.runs[0] = filled.runs[0].model_copy(update={"title": "<script>alert(1)</script>", "progress": "<b>"})
    page = house.browse("student").get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_pages_load_nothing_from_elsewhere_and_cannot_be_framed(house, people) -> None:
    """Scripts and styles are files of our own; a browser enforces it."""
    page = house.browse("student").get("/")
    assert re.findall(r'(?:src|href)="(?!/|data:|#)[^"]*"', page.text) == []
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert house.client.get("/services/labkit/static/labkit.css").headers["content-type"].startswith("text/css")
    assert house.client.get("/services/labkit/static/..%2frender.py").status_code == 404


def test_a_course_is_made_from_its_title(house, people) -> None:
    """The short name follows; a title that leaves none asks for one, and what was typed stays."""
    browser = house.browse("prof")
    assert browser.post("/courses", data={"title": "Übung 1 (a)"}).headers["location"].endswith("/courses/ubung-1-a?said=created")
    page = browser.post("/courses", data={"title": "日本"})
    assert (page.status_code, 'value="日本"' in page.text, "cannot have the short name" in page.text) == (400, True, True)


def test_a_roster_is_kept_by_forms(house, course) -> None:
    """Add, change, remove; a wrong name is said on the page."""
    browser = house.browse("prof")
    browser.post(f"/courses/{course}/members", data={"name": "zoë b", "full_name": "Zoë", "role": "assistant"})
    assert any(row.startswith("zoë b Zoë") for row in rows(browser.get(f"/courses/{course}")))
    page = browser.post(f"/courses/{course}/members", data={"name": "a/b", "role": "student"})
    assert (page.status_code, "&#39;a/b&#39; cannot be a user name." in page.text) == (400, True)
    browser.post(f"/courses/{course}/remove", data={"name": "zoë b"})
    assert not any(row.startswith("zoë b") for row in rows(browser.get(f"/courses/{course}")))


def test_a_list_is_uploaded(house, course) -> None:
    """What is wrong in it is listed line by line."""
    browser = house.browse("prof")
    good = {"file": ("people.csv", "\ufeffuser;role\nben;student\n".encode(), "text/csv")}
    assert browser.post(f"/courses/{course}/roster", files=good).headers["location"].endswith("?said=imported")
    bad = {"file": ("people.csv", b"user;role\neve;boss\n;x\n", "text/csv")}
    page = browser.post(f"/courses/{course}/roster", files=bad)
    assert (page.status_code, page.text.count("<li>line ")) == (400, 2)
    assert not any(row.startswith("eve") for row in rows(page))


def test_a_student_sees_only_the_own_line_of_a_roster(house, course) -> None:
    """And nothing to change it with."""
    page = house.browse("student").get(f"/courses/{course}")
    assert [row for row in rows(page) if row.startswith(("prof", "student"))] == [row for row in rows(page) if row.startswith("student")]
    assert "<select" not in page.text
    assert house.browse("ada").get(f"/courses/{course}").status_code == 404


@pytest.mark.parametrize(
    "path", ["/admin/line/pause", "/admin/line/resume", "/admin/devices/1/stop", "/admin/announcement", "/admin/runs/x/cancel"]
)
def test_the_admins_page_is_an_admins(house, course, filled, path) -> None:
    """A professor is none."""
    assert house.browse("prof").get("/admin").status_code == 403
    assert house.browse("prof").post(path, data={"text": "x"}).status_code == 403
    assert filled.paused() is None


def test_the_admins_page_shows_how_everything_stands(house, hub, people, filled) -> None:
    """Devices with leases, the line with names, servers, errors."""
    hub.users["student"]["servers"][""] = {"name": "", "ready": True, "pending": None, "stopped": False, "user_options": {"profile": "cpu"}}
    note_error(house.database, "dispatcher", "The hub refused to start a server.")
    found = rows(house.browse("admin").get("/admin"))
    assert any(
        row.startswith("NVIDIA L40S GPU-5e2b1c7a-9f31 on node-1, 45 GB nvidia ready student run-k7q2m9x4c1aa 31 min") for row in found
    )
    assert any(row.startswith("1 Axons ada other waiting") for row in found)
    assert "student own cpu running" in found
    assert any(row.endswith("dispatcher The hub refused to start a server.") for row in found)


@pytest.mark.parametrize(("host", "is_warned"), [("", True), ("http://hub.localhost", False)], ids=["one-origin", "names"])
def test_the_admins_page_warns_of_students_servers_unless_they_have_names(
    open_service, hub, people, database, tmp_path, host, is_warned
) -> None:
    """A public address alone keeps nobody apart."""
    kept = ServiceSettings(database_url=str(database.engine.url))
    with open_service(Settings(var=tmp_path / "var", service=kept, public_url="http://hub.localhost", subdomain_host=host)) as house:
        assert ("lets its code act as you" in words(house.browse("admin").get("/admin"))) == is_warned


def test_the_admins_page_opens_while_the_hub_is_ill(house, hub, people, filled) -> None:
    """Everything but the servers is shown; who asks was known already."""
    browser = house.browse("admin")
    browser.get("/admin")
    hub.mood = "database away"
    page = words(browser.get("/admin"))
    hub.mood = "well"
    assert "The hub gives no answer just now." in page
    assert "NVIDIA L40S" in page


def test_devices_and_line_are_worked_by_buttons(house, people, filled) -> None:
    """Stop, drain, start; pause and go on; announce and take it back."""
    browser = house.browse("admin")
    for action, state in (("drain", "draining"), ("stop", "stopped"), ("start", "ready")):
        assert browser.post(f"/admin/devices/1/{action}").status_code == 303
        assert filled.devices()[0].state == state
    assert browser.post("/admin/devices/1/explode").status_code == 404
    browser.post("/admin/line/pause", data={"text": "Restart at noon."})
    assert "Restart at noon." in words(house.browse("student").get("/"))
    browser.post("/admin/line/resume")
    browser.post("/admin/announcement", data={"text": "Welcome!"})
    page = words(house.browse("student").get("/"))
    assert ("Restart at noon." in page, "Welcome!" in page) == (False, True)
    browser.post("/admin/announcement", data={"text": " "})
    assert "Welcome!" not in words(house.browse("student").get("/"))


def test_an_error_is_a_page_for_a_browser(house, people) -> None:
    """With the way on."""
    page = house.browse("student").get("/nothing")
    assert (page.status_code, "There is nothing at this address." in words(page)) == (404, True)
