"""What images belong to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labkit.errors import CorruptStore, InvalidInput, NotFound
from labkit.project import ImageRecord, Project
from labkit.testing.pictures import noise_picture, write_png
from labkit.tiling import import_image


@pytest.fixture
def image(project: Project, tmp_path: Path) -> ImageRecord:
    return import_image(project, write_png(tmp_path / "a.png", noise_picture(20, 20)))


def test_groups_are_kept_by_image_and_key(project: Project, image: ImageRecord) -> None:
    """By name or by id; another value takes the place of the first; None removes it."""
    assert project.groups() == {}
    project.set_group("a.png", "slide", "7")
    assert project.set_group(image.id, "animal", "mouse 3") == {"slide": "7", "animal": "mouse 3"}
    project.set_group(image.id, " slide ", "8")
    assert Project.open(project.path).groups() == {image.id: {"slide": "8", "animal": "mouse 3"}}
    project.set_group(image.id, "slide", None)
    assert project.set_group(image.id, "animal", None) == {}
    assert project.groups() == {}


def test_what_many_say_at_once_is_all_kept(project: Project, image: ImageRecord) -> None:
    """Changes wait for one another."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: project.set_group(image.id, f"key {k}", str(k)), range(24)))
    assert project.groups()[image.id] == {f"key {k}": str(k) for k in range(24)}


@pytest.mark.parametrize(("key", "value"), [("", "7"), ("slide", " "), ("slide", "7" * 201), ("a\nb", "7")])
def test_a_group_needs_words(project: Project, image: ImageRecord, key: str, value: str) -> None:
    """Nothing, too much, or several lines."""
    with pytest.raises(InvalidInput) as caught:
        project.set_group(image.id, key, value)
    assert caught.value.hint
    assert not project.layout.groups.exists()


def test_an_unknown_image_belongs_to_nothing(project: Project) -> None:
    """It is named."""
    with pytest.raises(NotFound):
        project.set_group("nothing", "slide", "7")


def test_a_broken_file_is_told(project: Project) -> None:
    """It is never taken for no groups at all: a split would leak."""
    project.layout.groups.write_text("{")
    with pytest.raises(CorruptStore):
        project.groups()
