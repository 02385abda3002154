"""Images that live on an object store, and sources that come from one: a real S3 server, and one that fails 5 % of requests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from labkit.errors import CorruptStore, NotFound, NotWritable, StorageFull, StorageUnreachable, UnreadableImage
from labkit.events import Progress
from labkit.geometry import Box
from labkit.inference import predict
from labkit.project import Project
from labkit.storage import ObjectMissing, S3Objects, open_objects, s3
from labkit.testing.commands import files_in
from labkit.testing.learning import annotated_image, tiny_model, tiny_training_set
from labkit.testing.pictures import noise_picture, write_png, write_tiff
from labkit.testing.s3 import S3Server, running_s3, stumbling_way
from labkit.tiling import import_image, open_image, verify

SEED = int(os.environ.get("LABKIT_SEED", "1"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def store(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, as the settings of this process have it."""
    _use(server, monkeypatch)
    return server


def _use(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def cells(store: S3Server, tmp_path: Path) -> Project:
    """A project whose images live on the store."""
    return Project.create(tmp_path, "cells", classes=["nucleus"], images_url=f"s3://bucket/{tmp_path.name}")


def test_an_image_on_the_store_is_read_as_it_was(cells: Project, tmp_path: Path) -> None:
    """Import, windows of all levels, lazy arrays and verification work by ranges of objects."""
    picture = noise_picture(2500, 2100, channels=3)
    record = import_image(cells, write_tiff(tmp_path / "a.tif", picture, compression="zlib"))
    image = open_image(cells, record.id)
    np.testing.assert_array_equal(np.moveaxis(image.read(), 0, -1), picture)
    np.testing.assert_array_equal(image.read(Box(100, 300, 700, 900)), np.moveaxis(picture, -1, 0)[:, 100:700, 300:900])
    np.testing.assert_array_equal(image.to_xarray(2).values, image.read(level=2))
    assert verify(cells.path).faults == ()
    assert not cells.layout.image(record.id).store.exists()


def test_the_manifest_is_the_last_object(cells: Project, tmp_path: Path) -> None:
    """Who finds the image's manifest on the store finds an image that can be opened."""
    record = import_image(cells, write_png(tmp_path / "a.png", noise_picture(30, 40)))
    objects = open_objects(f"s3://bucket/{tmp_path.name}/{record.id}")
    assert "image.json" in set(objects.keys())
    assert verify(f"{objects.url}/image.ome.zarr").faults == ()


def test_alpha_goes_along(cells: Project, tmp_path: Path) -> None:
    """The store of alpha lies beside that of the image."""
    rgba = noise_picture(60, 70, channels=4)
    record = import_image(cells, write_png(tmp_path / "a.png", rgba))
    alpha = open_image(cells, record.id).alpha()
    assert alpha is not None
    np.testing.assert_array_equal(alpha.read(), rgba[..., 3])
    assert verify(cells.path).faults == ()


def test_a_missing_shard_is_an_error_never_zeros(cells: Project, tmp_path: Path) -> None:
    """A ledgered shard that is gone is named by reading and by verification."""
    record = import_image(cells, write_tiff(tmp_path / "a.tif", noise_picture(2100, 2100)))
    s3._store().rm_file(f"{record.url}/image.ome.zarr/0/c/1/0")
    with pytest.raises(CorruptStore, match="0/c/1/0 is missing"):
        open_image(cells, record.id).read()
    assert any("0/c/1/0 is missing" in fault for fault in verify(cells.path).faults)


def test_a_source_on_the_store_is_imported(store: S3Server, project: Project, tmp_path: Path) -> None:
    """The file is fetched with progress, and keeps its name; nothing of it stays."""
    picture = noise_picture(700, 800)
    open_objects("s3://bucket/sources").write("slide.tif", [write_tiff(tmp_path / "a.tif", picture).read_bytes()])
    units = set()
    record = import_image(
        project, "s3://bucket/sources/slide.tif", on_event=lambda e: units.add(e.unit) if isinstance(e, Progress) else None
    )
    np.testing.assert_array_equal(open_image(project, record.id).read(), picture)
    assert (record.name, units) == ("slide.tif", {"bytes", "tiles"})
    assert [p.name for p in project.layout.images.iterdir()] == [record.id]


def test_a_zarr_store_on_the_store_is_imported(store: S3Server, project: Project, tmp_path: Path) -> None:
    """All its objects are fetched, and nothing of them stays."""
    picture = noise_picture(700, 800)
    first = open_image(project, import_image(project, write_tiff(tmp_path / "a.tif", picture)).id)
    for file in files_in(first.path):
        open_objects("s3://bucket/sources/cells.ome.zarr").write(file, [(first.path / file).read_bytes()])
    record = import_image(Project.create(tmp_path, "other"), "s3://bucket/sources/cells.ome.zarr/")
    np.testing.assert_array_equal(open_image(Project.open(tmp_path / "other"), record.id).read(), picture)
    assert record.name == "cells.ome.zarr"
    assert [p.name for p in (tmp_path / "other/images").iterdir()] == [record.id]


def test_a_folder_of_the_store_that_is_no_picture_is_not_fetched(store: S3Server, project: Project) -> None:
    """Only the prefix of an OME-Zarr store is taken as a whole."""
    open_objects("s3://bucket/things").write("letter.txt", [b"dear"])
    with pytest.raises(NotFound, match="does not exist"):
        import_image(project, "s3://bucket/things")


def test_prediction_of_an_image_on_the_store_names_it(cells: Project, tmp_path: Path) -> None:
    """Set, training and prediction read the image where it lives; the labels say where that is, and verification finds it."""
    image = annotated_image(cells, tmp_path, height_px=203, width_px=270)
    model = tiny_model(cells, tiny_training_set(cells), tmp_path / "training", steps=1)
    prediction = predict(cells, image.id, model)
    group = json.loads((prediction.layout.labels / "zarr.json").read_bytes())
    assert group["attributes"]["ome"]["image-label"]["source"]["image"] == f"{image.url}/image.ome.zarr"
    assert verify(cells.path).faults == ()


def test_a_source_that_is_too_large_is_refused_before_it_is_fetched(
    store: S3Server, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quota looks at what the store says of the object."""
    open_objects("s3://bucket/sources").write("large.tif", [bytes(2_000_000)])
    monkeypatch.setenv("LABKIT_QUOTA_GB", "0.001")
    with pytest.raises(StorageFull, match="room for"):
        import_image(project, "s3://bucket/sources/large.tif")


def test_a_source_that_is_not_there_is_not_found(store: S3Server, project: Project) -> None:
    """A wrong address is said to be one."""
    with pytest.raises(NotFound, match="does not exist"):
        import_image(project, "s3://bucket/sources/nothing.tif")


def test_a_failed_import_leaves_no_objects(cells: Project, tmp_path: Path) -> None:
    """What a damaged file had brought to the store is taken away."""
    path = write_tiff(tmp_path / "a.tif", noise_picture(2100, 4200), compression="zlib")
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4 : len(data) * 3 // 4 + 5000] = bytes(5000)
    path.write_bytes(bytes(data))
    with pytest.raises(UnreadableImage):
        import_image(cells, path)
    assert list(open_objects(str(cells.record.images_url)).keys()) == []


@pytest.mark.ci
def test_a_store_that_fails_one_request_in_twenty(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Import and reading go through by trying again, and the pixels are right."""
    monkeypatch.setattr(s3, "_FIRST_WAIT_S", 0.01)
    picture = noise_picture(2100, 4200)
    with stumbling_way(server, share=0.05, seed=SEED) as (way, counts):
        _use(way, monkeypatch)
        project = Project.create(tmp_path, "cells", classes=["nucleus"], images_url=f"s3://bucket/{tmp_path.name}")
        record = import_image(project, write_tiff(tmp_path / "a.tif", picture))
        for _ in range(5):
            np.testing.assert_array_equal(open_image(project, record.id).read(), picture)
        assert verify(project.path).faults == ()
        assert counts.refused > 0


def test_a_store_that_always_fails_is_told_in_words(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some tries the error names the address and what to do."""
    monkeypatch.setattr(s3, "_FIRST_WAIT_S", 0.001)
    with stumbling_way(server, share=1.0, seed=SEED) as (way, counts):
        _use(way, monkeypatch)
        with pytest.raises(StorageUnreachable, match="did not answer") as caught:
            S3Objects("s3://bucket/x").read("y")
        assert counts.refused == s3._TRIES
    assert caught.value.hint


def test_nobody_at_the_address_is_told_in_words(monkeypatch: pytest.MonkeyPatch, server: S3Server) -> None:
    """A closed port is not taken for a missing object."""
    monkeypatch.setattr(s3, "_FIRST_WAIT_S", 0.001)
    _use(S3Server("http://127.0.0.1:9", server.folder), monkeypatch)
    with pytest.raises(StorageUnreachable):
        S3Objects("s3://bucket/x").read("y")


def test_wrong_keys_are_told_in_words(store: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is not taken for a missing object."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(NotWritable, match="refuses"):
        S3Objects("s3://bucket/x").read("y")


def test_a_missing_object_is_told_from_all_else(store: S3Server) -> None:
    """Only the store's own word makes an object missing."""
    with pytest.raises(ObjectMissing):
        S3Objects("s3://bucket/x").read("y")
