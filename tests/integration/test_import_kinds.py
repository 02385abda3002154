"""What is more than a flat picture: stacks, alpha, nodata, several pictures in a file, folders; and the ways out again."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image as PillowImage

from labkit.annotations import import_annotations
from labkit.compute import ComputeSpec
from labkit.datasets import build_training_set
from labkit.errors import AlreadyExists, Conflict, InvalidInput
from labkit.events import Event, Progress
from labkit.geometry import Box
from labkit.project import Project
from labkit.testing.pictures import noise_picture, two_disc_labels, write_png, write_tiff
from labkit.tiling import (
    export_ome_tiff,
    export_ome_zarr,
    export_png,
    import_file,
    import_files,
    import_image,
    open_image,
    verify,
)


@pytest.fixture
def hyperstack(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """An ImageJ stack of 3 frames, 4 planes and 2 channels, as (t, c, z, y, x)."""
    pixels = noise_picture(3 * 4 * 2 * 70, 90, dtype="uint16").reshape(3, 4, 2, 70, 90)
    path = tmp_path / "stack.tif"
    metadata = {"axes": "TZCYX", "unit": "um", "spacing": 0.7}
    tifffile.imwrite(path, pixels, imagej=True, metadata=metadata, resolution=(2, 2))
    return path, np.moveaxis(pixels, 2, 1)


def test_a_hyperstack_keeps_its_axes_and_sizes(project: Project, hyperstack: tuple[Path, np.ndarray]) -> None:
    """Time, channels, depth, pixel and plane distances come from the file."""
    record = import_image(project, hyperstack[0])
    assert (record.axes, record.shape) == (("t", "c", "z", "y", "x"), (3, 2, 4, 70, 90))
    assert (record.pixel_size_um, record.z_step_um) == ((0.5, 0.5), 0.7)
    assert verify(project.path).faults == ()


def test_planes_are_read_by_their_index(project: Project, hyperstack: tuple[Path, np.ndarray]) -> None:
    """All channels of one plane and frame; a plane must be named."""
    path, pixels = hyperstack
    image = open_image(project, import_image(project, path).id)
    for t, z in itertools.product(range(3), range(4)):
        np.testing.assert_array_equal(image.read(t=t, z=z), pixels[t, :, z])
    with pytest.raises(InvalidInput, match="planes along z"):
        image.read(t=0)


@pytest.mark.parametrize(
    "key", [np.s_[:], np.s_[1, :, 2, 3:9, ::2], np.s_[:, 1, :, 5, -1], np.s_[0:2, 0, 3], np.s_[2, 1, 1:3, ::-1, 4:60:7], np.s_[0, 0, 0:0]]
)
def test_a_stack_is_a_lazy_array(project: Project, hyperstack: tuple[Path, np.ndarray], key: Any) -> None:
    """Xarray gives any part of it, with positions in micrometres."""
    path, pixels = hyperstack
    lazy = open_image(project, import_image(project, path).id).to_xarray()
    assert lazy.coords["z"].values == pytest.approx([0, 0.7, 1.4, 2.1])
    np.testing.assert_array_equal(np.asarray(lazy.data[key].compute()), pixels[key])


def test_work_on_flat_pictures_refuses_a_stack(project: Project, hyperstack: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    """A training set says what to do with an image that has planes."""
    record = import_image(project, hyperstack[0])
    labels = write_png(tmp_path / "labels.png", two_disc_labels(70, 90).astype(np.uint8))
    import_annotations(project, record, labels, class_name="nucleus")
    with pytest.raises(InvalidInput, match="flat pictures"):
        build_training_set(project, "set")


def test_alpha_lies_beside_and_weighs_the_means(project: Project, tmp_path: Path) -> None:
    """Colours stay as stored; a pixel that cannot be seen does not darken its neighbours; the thumbnail is on white."""
    rgba = np.full((600, 600, 4), (200, 100, 50, 255), np.uint8)
    rgba[:, ::2] = (0, 0, 0, 0)
    image = open_image(project, import_image(project, write_png(tmp_path / "a.png", rgba)).id)
    alpha = image.alpha()
    assert alpha is not None
    np.testing.assert_array_equal(np.moveaxis(image.read(), 0, -1), rgba[..., :3])
    assert {tuple(c) for c in np.moveaxis(image.read(level=1), 0, -1).reshape(-1, 3)} == {(200, 100, 50)}
    assert set(np.unique(alpha.read(level=1))) == {128}
    assert image.thumbnail(64).min() > 140
    assert verify(project.path).faults == ()


def test_alpha_that_says_nothing_goes(project: Project, tmp_path: Path) -> None:
    """A wholly opaque picture has no store of alpha."""
    record = import_image(
        project, write_png(tmp_path / "a.png", np.dstack([noise_picture(60, 70, channels=3), np.full((60, 70), 255, np.uint8)]))
    )
    assert not record.alpha
    assert not project.layout.image(record.id).alpha.exists()
    assert verify(project.path).faults == ()


def test_nodata_is_left_out_of_means(project: Project, tmp_path: Path) -> None:
    """The value of GDAL's tag stays where nothing was measured, and nowhere else."""
    pixels = np.full((600, 600), 1000, np.int16)
    pixels[:, 1::2] = -9999
    pixels[:200] = -9999
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", extratags=[(42113, 2, 6, "-9999", True)])
    record = import_image(project, path)
    image = open_image(project, record.id)
    assert record.nodata == image.nodata == -9999
    level = image.read(level=1)
    assert (level[:100] == -9999).all()
    assert (level[100:] == 1000).all()
    assert image.windows == ((1000.0, 1001.0),)


def test_nan_is_left_out_of_means(project: Project, tmp_path: Path) -> None:
    """A float picture with holes keeps its values on all levels."""
    pixels = np.full((600, 600), 0.25, np.float32)
    pixels[::2, ::2] = np.nan
    pixels[:4, :4] = np.nan
    image = open_image(project, import_image(project, write_tiff(tmp_path / "a.tif", pixels)).id)
    level = image.read(level=1)
    assert np.isnan(level[:2, :2]).all()
    assert np.nansum(level != 0.25) == 4
    assert verify(image.path).faults == ()


def test_pages_become_what_was_answered(project: Project, tmp_path: Path) -> None:
    """Separate images by default, a stack or channels when asked for; an unknown answer names the known ones."""
    pixels = noise_picture(150, 40).reshape(3, 50, 40)
    path = tmp_path / "pages.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None)
    separate = import_file(project, path)
    assert [record.name for record in separate] == [f"pages.tif - page {k}" for k in (1, 2, 3)]
    np.testing.assert_array_equal(open_image(project, separate[2].id).read(), pixels[2])
    assert import_image(project, path, answers={"pages": "t"}).axes == ("t", "y", "x")
    np.testing.assert_array_equal(open_image(project, import_image(project, path, answers={"pages": "c"}).id).read(), pixels)
    with pytest.raises(InvalidInput, match="no answer"):
        import_file(project, path, answers={"pages": "sideways"})


def test_folders_are_imported_with_all_below(project: Project, tmp_path: Path) -> None:
    """Pictures come in, what is none is listed, what is broken is named with its reason, hidden files are passed by."""
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    write_png(folder / "a.png", noise_picture(20, 30))
    write_tiff(folder / "below" / "b.tif", noise_picture(20, 30, seed=1))
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden.png").write_bytes(b"nothing")
    broken = write_png(folder / "below" / "c.png", noise_picture(20, 30, seed=2))
    broken.write_bytes(broken.read_bytes()[:-40])
    report = import_files(project, [folder])
    assert [record.name for record in report.images] == ["a.png", "b.tif"]
    assert [Path(path).name for path, _ in report.failed] == ["c.png"]
    assert [Path(path).name for path in report.skipped] == ["notes.txt"]


def test_a_file_that_changes_meanwhile_is_not_taken(project: Project, tmp_path: Path) -> None:
    """Half of one and half of another picture never becomes an image."""
    path = write_tiff(tmp_path / "a.tif", noise_picture(2100, 4200))

    def _change(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 2:
            with open(path, "r+b") as file:
                file.seek(0, 2)
                file.write(b"more")

    with pytest.raises(Conflict, match="changed"):
        import_image(project, path, on_event=_change)
    assert project.images() == ()


@pytest.mark.slow
@pytest.mark.ci
def test_a_dask_cluster_makes_the_same_store(tmp_path: Path) -> None:
    """Two worker processes write bit for bit what threads write."""
    path = write_tiff(tmp_path / "a.tif", noise_picture(4500, 8300, channels=3), compression="zlib")
    hashes = set()
    for k, spec in enumerate((ComputeSpec("threads", 2), ComputeSpec("dask", 2))):
        project = Project.create(tmp_path, str(k))
        record = import_image(project, path, compute=spec)
        digest = hashlib.sha256()
        for file in sorted(f for f in project.layout.image(record.id).store.rglob("*") if f.is_file()):
            digest.update(file.name.encode() + file.read_bytes())
        hashes.add(digest.hexdigest())
        assert verify(project.path).faults == ()
    assert len(hashes) == 1


@pytest.mark.parametrize("channels", [None, 3])
def test_an_exported_ome_tiff_is_the_picture(project: Project, tmp_path: Path, channels: int | None) -> None:
    """Tifffile reads the pixels, the levels and the size of a pixel; it comes in again unchanged."""
    picture = noise_picture(1100, 700, channels=channels)
    record = import_image(project, write_png(tmp_path / "a.png", picture), pixel_size_um=(0.5, 0.25))
    out = export_ome_tiff(open_image(project, record.id), tmp_path / "out.tif")
    with tifffile.TiffFile(out) as file:
        np.testing.assert_array_equal(file.series[0].asarray(), picture)
        assert [level.shape[:2] for level in file.series[0].levels] == list(record.levels)
    other = Project.create(tmp_path, "other")
    again = import_image(other, out)
    assert again.pixel_size_um == (0.5, 0.25)
    np.testing.assert_array_equal(open_image(other, again.id).read(), open_image(project, record.id).read())


def test_an_exported_stack_keeps_its_axes(project: Project, hyperstack: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    """OME-TIFF of five axes, through our own import."""
    record = import_image(project, hyperstack[0])
    out = export_ome_tiff(open_image(project, record.id), tmp_path / "out.ome.tif")
    other = Project.create(tmp_path, "other")
    again = import_image(other, out)
    assert (again.axes, again.shape, again.z_step_um) == (record.axes, record.shape, pytest.approx(0.7))
    np.testing.assert_array_equal(open_image(other, again.id).to_xarray().values, hyperstack[1])


def test_an_exported_ome_zarr_04_is_the_picture(project: Project, hyperstack: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    """Zarr reads version 2 with its axes, and it comes in again unchanged."""
    record = import_image(project, hyperstack[0])
    out = export_ome_zarr(open_image(project, record.id), tmp_path / "out.zarr")
    group = zarr.open_group(out, mode="r", zarr_format=2)
    assert [axis["name"] for axis in group.attrs["multiscales"][0]["axes"]] == ["t", "c", "z", "y", "x"]  # type: ignore[index,call-overload]
    np.testing.assert_array_equal(group["0"][:], hyperstack[1])  # type: ignore[index]
    other = Project.create(tmp_path, "other")
    np.testing.assert_array_equal(open_image(other, import_image(other, out).id).to_xarray().values, hyperstack[1])


def test_an_exported_png_is_the_region(project: Project, tmp_path: Path) -> None:
    """16 bits stay, and a file that is there is not replaced."""
    picture = noise_picture(300, 400, dtype="uint16")
    image = open_image(project, import_image(project, write_tiff(tmp_path / "a.tif", picture)).id)
    out = export_png(image, tmp_path / "out.png", box=Box(10, 20, 110, 220))
    np.testing.assert_array_equal(np.asarray(PillowImage.open(out)), picture[10:110, 20:220])
    with pytest.raises(AlreadyExists):
        export_png(image, out)
