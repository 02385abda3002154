"""Annotations as OME-Zarr label images, and such images as annotations."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from ome_zarr_models.v05.image_label import ImageLabel

from labkit.annotations import (
    Document,
    export_annotations,
    import_annotations,
    new_object,
    open_document,
    rasterise_objects,
    save_document,
)
from labkit.errors import AlreadyExists, InvalidInput, UnreadableImage
from labkit.geometry import Box, Rectangle
from labkit.tiling import open_store, verify


def test_a_label_image_of_ome_zarr_is_as_the_specification_wants_it(project, image, tmp_path):
    """Accepted by its models and by our own verification, with the levels of the image, colours, classes and the place of the image."""
    items = (new_object(Rectangle(1, 1, 8, 8), class_id=1), new_object(Rectangle(10, 10, 20, 30), class_id=2))
    save_document(project, Document(image.id, "Ada", objects=items))
    path = export_annotations(project, image, tmp_path / "a.zarr")
    model = ImageLabel.from_zarr(zarr.open_group(path, mode="r"))
    facts = model.attributes.ome.image_label
    colours = [tuple(bytes.fromhex(item.colour[1:])) for item in project.classes]
    assert [(c.label_value, tuple(c.rgba)) for c in facts.colors] == [(k, (*rgb, 255)) for k, rgb in enumerate(colours, 1)]
    assert [(p.label_value, p.model_extra["class"], p.model_extra["object-id"]) for p in facts.properties] == [
        (1, "cell", items[0].id),
        (2, "debris", items[1].id),
    ]
    assert (path / facts.source.image).resolve() == project.layout.image(image.id).store.resolve()
    store = open_store(path)
    assert (store.role, store.dtype, store.levels) == ("labels", np.uint32, image.levels)
    assert np.array_equal(store.read(), rasterise_objects(Document("a", "Ada", objects=items), Box(0, 0, 40, 60)))
    assert verify(path).faults == ()


def test_objects_of_a_label_image_have_the_classes_and_ids_that_it_names(project, image, tmp_path):
    """And the mark of completion, where LabKit wrote it."""
    items = (new_object(Rectangle(1, 1, 8, 8), class_id=1), new_object(Rectangle(10, 10, 20, 30), class_id=2))
    save_document(project, Document(image.id, "Ada", objects=items))
    path = export_annotations(project, image, tmp_path / "a.zarr")
    report = import_annotations(project, image, path, author="Zoë")
    back = open_document(project, image.id, "Zoë").objects
    assert (report.format, report.finished) == ("ome-zarr", False)
    assert [(item.id, item.class_id) for item in back] == [(item.id, item.class_id) for item in items]


def test_a_foreign_label_image_of_version_0_4_comes_in(project, image, tmp_path):
    """Without properties it needs a class; its values are the ids."""
    labels = np.zeros((40, 60), dtype=np.uint16)
    labels[2:5, 3:9], labels[20:30, 40:50] = 7, 70
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=labels, chunks=(16, 16))
    axes = [{"name": name, "type": "space"} for name in "yx"]
    dataset = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1]}]}
    group.attrs.update({"multiscales": [{"version": "0.4", "axes": axes, "datasets": [dataset]}], "image-label": {"version": "0.4"}})
    with pytest.raises(InvalidInput, match="class"):
        import_annotations(project, image, tmp_path / "a.zarr")
    report = import_annotations(project, image, tmp_path / "a.zarr", class_name="cell")
    document = open_document(project, image.id, "Ada")
    assert (report.finished, [item.attributes["source_id"] for item in document.objects]) == (True, [7, 70])
    assert np.array_equal(np.array([0, 7, 70])[rasterise_objects(document, Box(0, 0, 40, 60))], labels)


def test_a_store_that_is_no_label_image_of_this_picture_is_refused(project, image, make_image, tmp_path):
    """An image names the label images in it; another size names both; a broken one is refused in words."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Rectangle(1, 1, 8, 8), class_id=1),)))
    path = export_annotations(project, image, tmp_path / "a.zarr")
    with pytest.raises(InvalidInput, match=r"40 x 60 .* 41 x 60"):
        import_annotations(project, make_image("image2", 41, 60), path)
    parent = zarr.open_group(tmp_path / "image.zarr", mode="w", attributes={"ome": {"multiscales": []}})
    shutil.copytree(path, tmp_path / "image.zarr" / "labels" / "cells")
    with pytest.raises(InvalidInput, match="no label image") as caught:
        import_annotations(project, image, Path(str(parent.store.root)))
    assert "labels/cells" in caught.value.hint
    (path / "zarr.json").write_text('{"attributes": {"ome": {"image-label": {}, "multiscales": [3]}}}', encoding="utf-8")
    with pytest.raises(UnreadableImage):
        import_annotations(project, image, path)


def test_only_a_label_image_is_ever_overwritten(project, image, tmp_path):
    """A folder with something else in it stays as it is."""
    save_document(project, Document(image.id, "Ada"))
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "precious").write_text("x", encoding="utf-8")
    with pytest.raises(AlreadyExists):
        export_annotations(project, image, tmp_path / "a.zarr", overwrite=True)
    assert (tmp_path / "a.zarr" / "precious").read_text(encoding="utf-8") == "x"
