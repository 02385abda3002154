"""How much people keep."""

from __future__ import annotations

from labkit_hub.homes import home_name
from labkit_hub.service.pages.storage import Sizes, folder_bytes, measure_homes


def test_homes_go_by_their_peoples_names(tmp_path) -> None:
    """A folder of nobody by its own; links are not followed."""
    for name, size in (("zoë b", 100_000), ("gone", 5_000)):
        folder = tmp_path / home_name(name) / "deep" / "er"
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x" * size)
        (folder / "link").symlink_to(tmp_path)
    sizes = measure_homes(tmp_path, ["zoë b", "without-home"])
    assert set(sizes) == {"zoë b", "gone"}
    assert 100_000 <= sizes["zoë b"] < 300_000


def test_a_folder_that_is_not_there_is_empty(tmp_path) -> None:
    """Nothing is raised for what vanishes meanwhile."""
    assert (folder_bytes(tmp_path / "none"), measure_homes(tmp_path / "none", [])) == (0, {})


def test_measuring_goes_on_beside_and_is_remembered() -> None:
    """Whoever asks first gets nothing yet; later ones the last numbers, measured again only when they are old."""
    now, calls = [0.0], []

    def measure() -> dict[str, int]:
        calls.append(1)
        return {"a": 1, "b": 2}

    sizes = Sizes(measure, clock=lambda: now[0])
    sizes.last()
    sizes.wait()
    found = sizes.last()
    assert found is not None
    assert (found.people, found.total, len(calls)) == ((("b", 2), ("a", 1)), 3, 1)
    now[0] = 10_000.0
    sizes.last()
    sizes.wait()
    assert len(calls) == 2


def test_a_fault_keeps_the_last_numbers() -> None:
    """And is tried again later, not at each look."""
    outcomes = iter([{"a": 1}, None])
    now = [0.0]

    def measure() -> dict[str, int]:
        found = next(outcomes)
        if found is None:
            raise OSError("away")
        return found

    sizes = Sizes(measure, clock=lambda: now[0])
    sizes.last()
    sizes.wait()
    now[0] = 10_000.0
    sizes.last()
    sizes.wait()
    found = sizes.last()
    assert found is not None
    assert found.people == (("a", 1),)
