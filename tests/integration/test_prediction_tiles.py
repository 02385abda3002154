"""What a really trained model answers depends on weights, picture and settings alone: not on tiles, not on time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labkit.analysis import analyse
from labkit.annotations import Document, Editor, commands, rasterise_objects
from labkit.errors import InvalidInput
from labkit.geometry import Box, rasterise
from labkit.inference import Prediction, PredictSettings, list_predictions, predict, proposals
from labkit.project import ImageRecord, Project
from labkit.samples import nuclei_like
from labkit.testing.commands import files_in
from labkit.testing.learning import annotated_image, tiny_model, tiny_training_set
from labkit.testing.pictures import write_tiff
from labkit.tiling import import_image, verify
from labkit.training import Model


@dataclass(frozen=True)
class Trained:
    """A project with an annotated image and a model that finds most of its nuclei."""

    project: Project
    image: ImageRecord
    model: Model
    folder: Path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One small training for all tests of this module."""
    folder = tmp_path_factory.mktemp("trained")
    project = Project.create(folder, "cells", classes=["nucleus"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_AUTHOR", "tester")
        patch.setenv("LABKIT_QUOTA_GB", "20")
        image = annotated_image(project, folder, height_px=203, width_px=270)
        model = tiny_model(project, tiny_training_set(project), folder / "training", steps=40)
    return Trained(project, image, model, folder)


def _answer(prediction: Prediction) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8]]:
    return prediction.labels.read(), prediction.classes.read(), prediction.probability.read()


def _predicted_anew(trained: Trained, tile_px: int) -> Prediction:
    """Predict as if nobody had: the answer that is kept is put aside."""
    for known in list_predictions(trained.project, trained.image):
        known.layout.root.rename(trained.folder / f"aside-{len(list(trained.folder.iterdir()))}")
    return predict(trained.project, trained.image.id, trained.model, tile_px=tile_px)


@pytest.fixture(scope="module")
def whole(trained: Trained) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8]]:
    """The answer for the picture in one piece."""
    return _answer(_predicted_anew(trained, 512))


def test_the_model_finds_objects(whole: tuple[NDArray[np.uint32], ...]) -> None:
    """Else the tests below would compare nothing with nothing."""
    assert whole[0].max() >= 10


@pytest.mark.parametrize("tile_px", [32, 64, 100])
def test_tiles_do_not_change_the_answer(trained: Trained, whole: tuple[NDArray[np.uint32], ...], tile_px: int) -> None:
    """Classes, objects and their numbers are the same to the pixel; probabilities to the last of 255 steps."""
    labels, classes, probability = _answer(_predicted_anew(trained, tile_px))
    assert np.array_equal(classes, whole[1])
    assert np.array_equal(labels, whole[0])
    assert np.abs(probability.astype(int) - whole[2]).max() <= 1


def test_objects_are_numbered_by_their_first_pixel(whole: tuple[NDArray[np.uint32], ...]) -> None:
    """Numbers are 1 to n without gaps."""
    found = np.unique(whole[0])
    assert found.tolist() == list(range(int(whole[0].max()) + 1))


@pytest.mark.parametrize(("height_px", "width_px"), [(1, 1), (7, 300), (300, 7), (63, 64), (64, 64), (65, 64), (2, 3)])
def test_any_size_can_be_predicted(trained: Trained, tmp_path: Path, height_px: int, width_px: int) -> None:
    """Tiny and odd pictures get an answer of their own size, and stores that are sound."""
    pixels = nuclei_like(height_px=320, width_px=320).image[:height_px, :width_px]
    image = import_image(trained.project, write_tiff(tmp_path / f"{height_px}x{width_px}.tif", pixels))
    prediction = predict(trained.project, image.id, trained.model, tile_px=64)
    assert prediction.labels.read().shape == prediction.classes.read().shape == (height_px, width_px)
    assert prediction.labels.read().max(initial=0) == prediction.record.objects
    for store in (prediction.layout.labels, prediction.layout.classes, prediction.layout.probability):
        assert verify(store).ok
    analysed = analyse(trained.project, prediction)
    assert analysed.record.objects_in_picture == prediction.record.objects


def test_the_same_question_is_answered_without_new_work(trained: Trained) -> None:
    """A prediction that is there is given back as it is."""
    first = predict(trained.project, trained.image.id, trained.model)
    before = files_in(first.layout.root)
    again = predict(trained.project, trained.image.name, trained.model.key, tile_px=64)
    assert (again.key, again.record) == (first.key, first.record)
    assert files_in(first.layout.root) == before


def test_other_weights_are_another_prediction(trained: Trained) -> None:
    """A model that was trained anew under the same name never gets the old model's answer."""
    first = predict(trained.project, trained.image.id, "tiny")
    newer = tiny_model(trained.project, tiny_training_set(trained.project), trained.folder / "again", seed=1, steps=2)
    second = predict(trained.project, trained.image.id, "tiny")
    assert (first.record.model, second.record.model) == ("tiny/1", newer.key)
    assert first.record.hash != second.record.hash
    assert not np.array_equal(first.probability.read(), second.probability.read())
    assert predict(trained.project, trained.image.id, "tiny/1").key == first.key


def test_other_settings_are_another_prediction(trained: Trained) -> None:
    """What changes the answer changes the key."""
    first = predict(trained.project, trained.image.id, trained.model)
    second = predict(trained.project, trained.image.id, trained.model, settings=PredictSettings(min_area_px=400))
    assert first.record.hash != second.record.hash
    assert second.record.objects < first.record.objects


def test_analysing_twice_gives_the_same_numbers(trained: Trained) -> None:
    """Scores, rows and pictures are the same; only the time of writing differs."""
    prediction = predict(trained.project, trained.image.id, trained.model)
    first = analyse(trained.project, prediction)
    files = [path.read_bytes() for path in (prediction.layout.objects, prediction.layout.overlay)]
    second = analyse(trained.project, prediction)
    assert first.record.dice is not None
    assert first.record.model_copy(update={"created": second.record.created}) == second.record
    assert first.objects == second.objects
    assert [path.read_bytes() for path in (prediction.layout.objects, prediction.layout.overlay)] == files


def test_the_test_part_is_scored_alone(trained: Trained) -> None:
    """By default only pixels that the model never learned from are scored; all of them only when asked for."""
    prediction = predict(trained.project, trained.image.id, trained.model)
    test, everything = (analyse(trained.project, prediction, region=region).record for region in ("auto", "all"))
    assert (test.region, test.seen_in_training, everything.region, everything.seen_in_training) == ("test", False, "all", True)
    assert test.scored_pixels < everything.scored_pixels == 203 * 270


def test_a_prediction_comes_in_as_proposals(trained: Trained) -> None:
    """Each object once, with its class and source; accepted and rejected ones do not come again, and nothing counts before."""
    prediction = _predicted_anew(trained, 128)
    editor = Editor(trained.project, trained.image.id, "reviewer")
    editor.apply(proposals(prediction, editor.document, author="reviewer"))
    objects = editor.document.objects
    assert len(objects) == prediction.record.objects
    assert {(item.status, item.source, item.class_id) for item in objects} == {("proposed", f"model:{trained.model.key}", 1)}
    labels = prediction.labels.read()
    frame = Box.of_shape(*labels.shape)
    covered = np.zeros(labels.shape, dtype=bool)
    for item in objects:
        covered |= rasterise(item.shape, frame)
    assert (covered != (labels > 0)).mean() < 0.02
    assert not rasterise_objects(editor.document, frame).any()
    editor.apply(commands.accept(editor.document, [objects[0].id]))
    editor.apply(commands.reject(editor.document, [objects[1].id]))
    assert not proposals(prediction, editor.document, author="reviewer")
    assert rasterise_objects(editor.document, frame).any()
    with pytest.raises(InvalidInput, match="prediction is one of"):
        proposals(prediction, Document("other", "reviewer"), author="reviewer")
