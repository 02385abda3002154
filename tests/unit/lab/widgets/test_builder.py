"""The builder of training sets in a notebook: its model by plain values, and the widget without a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ipycanvas.canvas import _CANVAS_MANAGER, COMMANDS

from labkit.datasets import SetSpec, SplitSpec, open_training_set
from labkit.errors import InvalidInput, NotFound
from labkit.project import Project
from labkit.testing.learning import annotated_image
from labkit_lab.widgets import SetBuilder, TrainingSetBuilder
from labkit_lab.widgets.builder_drawing import drawn_on

SMALL = SetSpec(name="cells", chip_px=32, split=SplitSpec(kind="bands", gap_px=8))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one annotated image of 128 x 160 pixels."""
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")
    project = Project.create(tmp_path, "cells", classes=["nucleus"])
    annotated_image(project, tmp_path)
    return project


@pytest.fixture
def model(project: Project) -> SetBuilder:
    """A builder with tiles of 32 pixels (4 x 5), worked out."""
    model = SetBuilder(project, SMALL)
    model.wish_tiles(tile_px=32)
    model.work_out()
    return model


def _image(model: SetBuilder) -> str:
    return model.images[0].id


def test_a_box_of_tiles_is_taken_or_left_out(model: SetBuilder) -> None:
    """All become the opposite of the first one; corners may come in any order, and reach beyond the grid."""
    image = _image(model)
    assert model.chosen(image).all()
    model.choose(image, (3, 9), (1, 0))
    expected = np.ones((4, 5), bool)
    expected[3, :2] = False
    np.testing.assert_array_equal(model.chosen(image), expected)
    assert model.spec.tiles.kind == "hand"
    assert not model.is_current
    model.choose_all(image, taken=False)
    assert not model.chosen(image).any()
    model.choose(image, (0, 0), (0, 0), taken=True)
    assert model.chosen(image).sum() == 1


def test_a_choice_is_carried_over_to_tiles_of_another_size(model: SetBuilder) -> None:
    """A tile of the new grid is taken if the old one in its middle was."""
    image = _image(model)
    model.choose(image, (0, 3), (0, 1))  # leaves out the two left columns
    model.wish_tiles(tile_px=64)
    model.work_out()
    np.testing.assert_array_equal(model.chosen(image), [[False, True, True]] * 2)


def test_a_rule_takes_the_place_of_a_choice(model: SetBuilder) -> None:
    """Tiles chosen by hand do not stay in a wish that no longer looks at them."""
    model.choose(_image(model), (0, 0), (0, 0))
    model.wish_tiles(kind="annotated", min_coverage=0.5)
    assert model.spec.tiles.tiles == ()


def test_says_why_nothing_can_be_built(model: SetBuilder) -> None:
    """Without a name, without a plan, and with an error of the plan, in words."""
    assert model.reason_against() == ""
    model.wish(name=" ")
    assert model.reason_against() == "Give it a name first."
    model.wish(name="cells")
    assert model.reason_against() == ""  # a name changes nothing of what would be in it
    model.choose_all(_image(model), taken=False)
    assert model.reason_against() == "It must be worked out first."
    model.work_out()
    assert model.reason_against() != ""


def test_what_cannot_be_is_refused_and_changes_nothing(model: SetBuilder) -> None:
    """A value out of range leaves the wish as it was, and an image that is not in the plan has no tiles."""
    before = model.spec
    with pytest.raises(InvalidInput):
        model.wish_split(gap_px=-1)
    with pytest.raises(NotFound):
        model.choose("nowhere", (0, 0), (0, 0))
    assert model.spec is before


def test_the_widget_plans_chooses_and_builds(project: Project) -> None:
    """A drag over the canvas leaves tiles out, the numbers follow, and the set that was built has only the others."""
    builder = TrainingSetBuilder(project, SMALL)
    builder.wait()
    view = builder._view
    view.tile_px.value = 32
    builder.wait()
    assert builder.training_set is None
    assert "nucleus" in view.outcome.value
    builder._press(10.0, 10.0)
    builder._lift(10.0, 400.0)  # the whole left column
    builder.wait()
    plan = builder.model.plan
    assert plan is not None
    assert plan.images[0].chosen == (False, True, True, True, True) * 4
    assert view.rule.value == "hand"
    view.build.click()
    builder.wait()
    assert builder.training_set is not None
    assert builder.training_set.key in view.reason.value
    record = open_training_set(project, "cells").record
    assert record.parts == plan.parts


def test_a_click_takes_the_tile_that_was_aimed_at(project: Project) -> None:
    """The page scrolls under the first click on a canvas that is partly out of sight: press and lift come from where it stands then."""
    builder = TrainingSetBuilder(project, SMALL)
    builder.wait()
    builder._view.tile_px.value = 32
    builder.wait()
    builder._move(10.0, 10.0)
    builder._press(10.0, 300.0)
    builder._lift(10.0, 300.0)
    builder.wait()
    assert "Row 1, column 1" in builder._view.place.value
    assert "not chosen" in builder._view.place.value
    chosen = builder.model.chosen(builder.model.images[0].id)
    assert [tuple(cell) for cell in np.argwhere(~chosen)] == [(0, 0)]


def test_the_widget_says_what_is_wrong(project: Project) -> None:
    """A wish that cannot be leaves the button off and says why; an image without tiles too."""
    builder = TrainingSetBuilder(project, SMALL)
    builder.wait()
    builder._view.take_none.click()
    builder.wait()
    assert builder._view.build.disabled
    assert builder._view.reason.value == builder.model.reason_against() != ""
    builder._view.take_all.click()
    builder.wait()
    assert not builder._view.build.disabled


def test_drawing_begins_by_naming_its_layer(project: Project) -> None:
    """A page that comes later does not know it yet (ipycanvas issue 322); a drawing that fails does not hold up others."""
    builder = TrainingSetBuilder(project, SMALL)
    builder.wait()
    canvas = builder._view.canvas
    first: list[list[object]] = []
    drawn_on(canvas, 1, lambda layer: first.extend(_CANVAS_MANAGER._commands_cache[:1]))
    drawn_on(canvas, 1, lambda layer: first.extend(_CANVAS_MANAGER._commands_cache[:1]))
    assert first == [[COMMANDS["switchCanvas"], [f"IPY_MODEL_{canvas[1].model_id}"]]] * 2
    with pytest.raises(ZeroDivisionError):
        drawn_on(canvas, 1, lambda layer: 1 // 0)
    assert not _CANVAS_MANAGER._caching
