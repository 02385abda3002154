"""TIFF as microscopes, slide scanners and satellites write it: each trap is a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from labkit.errors import InvalidInput, UnreadableImage, UnsupportedFormat
from labkit.formats.pictures import open_raster, read_file
from labkit.formats.raster import PictureFile, RasterHeader
from labkit.geometry import Box
from labkit.testing.pictures import corner_picture, noise_picture, write_tiff


def _pixels(path: Path, header: RasterHeader, memory_bytes: int | None = None) -> np.ndarray:
    """Return all planes of a picture, (plane, [c,] y, x)."""
    source = open_raster(path, header, "image", path.with_suffix(".scratch"), memory_bytes=memory_bytes)
    try:
        return np.stack([source.read(Box.of_shape(*source.shape[-2:]), plane) for plane in range(header.planes)])
    finally:
        source.close()


def _keys(found: PictureFile) -> list[str]:
    return [question.key for question in found.questions]


@pytest.fixture
def pages(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """Five plain pages of equal size, of which nobody says what they are."""
    pixels = noise_picture(5 * 30, 40).reshape(5, 30, 40)
    path = tmp_path / "pages.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None)
    return path, pixels


def test_equal_pages_are_asked_about(pages: tuple[Path, np.ndarray]) -> None:
    """By default each is a picture: nothing is lost, and never is only the first one read silently."""
    found = read_file(pages[0])
    assert (_keys(found), len(found.pictures)) == (["pages"], 5)
    for k, header in enumerate(found.pictures):
        np.testing.assert_array_equal(_pixels(pages[0], header)[0], pages[1][k])


@pytest.mark.parametrize("axis", ["z", "t", "c"])
def test_pages_can_be_a_stack(pages: tuple[Path, np.ndarray], axis: str) -> None:
    """One picture with as many planes."""
    (header,) = read_file(pages[0], answers={"pages": axis}).pictures
    assert header.stack == ((axis, 5),)
    np.testing.assert_array_equal(_pixels(pages[0], header), pages[1])


def test_an_unknown_answer_names_the_known_ones(pages: tuple[Path, np.ndarray]) -> None:
    """A wrong word is an error with a hint."""
    with pytest.raises(InvalidInput) as caught:
        read_file(pages[0], answers={"pages": "up"})
    assert "separate, z, t, c, first" in caught.value.hint


def test_unequal_pages_are_several_pictures(tmp_path: Path) -> None:
    """Each is a picture of its own, and it can be said which is wanted."""
    path = tmp_path / "a.tif"
    first, second = noise_picture(30, 40), noise_picture(50, 20, dtype="uint16")
    with tifffile.TiffWriter(path) as writer:
        writer.write(first, photometric="minisblack", metadata=None)
        writer.write(second, photometric="minisblack", metadata=None)
    found = read_file(path)
    assert _keys(found) == ["series"]
    np.testing.assert_array_equal(_pixels(path, found.pictures[1])[0], second)
    (only,) = read_file(path, answers={"series": "1"}).pictures
    np.testing.assert_array_equal(_pixels(path, only)[0], first)


def test_reduced_copies_are_no_pictures(tmp_path: Path) -> None:
    """A page that calls itself a reduced copy is none of the pictures."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(noise_picture(60, 80), photometric="minisblack", metadata=None)
        writer.write(noise_picture(15, 20), photometric="minisblack", metadata=None, subfiletype=1)
    assert [(header.height_px, header.width_px) for header in read_file(path).pictures] == [(60, 80)]


def test_of_a_pyramid_the_full_size_is_read(tmp_path: Path) -> None:
    """Levels in SubIFDs are no pictures."""
    path = tmp_path / "a.tif"
    picture = noise_picture(200, 300, channels=3)
    with tifffile.TiffWriter(path) as writer:
        writer.write(picture, subifds=1, tile=(64, 64), photometric="rgb", metadata=None)
        writer.write(picture[::2, ::2], subfiletype=1, tile=(64, 64), photometric="rgb", metadata=None)
    (header,) = read_file(path).pictures
    np.testing.assert_array_equal(np.moveaxis(_pixels(path, header)[0], 0, -1), picture)


def test_colour_saved_as_pages_is_seen(tmp_path: Path) -> None:
    """An RGB array written as grey has its rows as pages: that is asked, and by default put right."""
    picture = corner_picture(40, 50)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, picture, photometric="minisblack", metadata=None)
    found = read_file(path)
    assert _keys(found) == ["colour"]
    np.testing.assert_array_equal(np.moveaxis(_pixels(path, found.pictures[0])[0], 0, -1), picture)
    assert len(read_file(path, answers={"colour": "pages", "pages": "separate"}).pictures) == 40


@pytest.fixture
def ome(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """An OME-TIFF of 2 frames, 3 planes and 2 channels, as (t, c, z, y, x)."""
    pixels = noise_picture(2 * 2 * 3 * 20, 30, dtype="uint16").reshape(2, 2, 3, 20, 30)
    path = tmp_path / "a.ome.tif"
    metadata = {
        "axes": "TCZYX",
        "PhysicalSizeX": 250,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeYUnit": "µm",
        "PhysicalSizeZ": 2.0,
        "TimeIncrement": 500,
        "TimeIncrementUnit": "ms",
        "SignificantBits": 12,
        "Channel": {"Name": ["DAPI", "GFP"]},
    }
    tifffile.imwrite(path, pixels, ome=True, metadata=metadata, photometric="minisblack")
    return path, pixels


def test_an_ome_tiff_names_its_axes_itself(ome: tuple[Path, np.ndarray]) -> None:
    """No question; planes in the order of the stack."""
    found = read_file(ome[0])
    (header,) = found.pictures
    assert (found.questions, header.stack) == ((), (("t", 2), ("c", 2), ("z", 3)))
    np.testing.assert_array_equal(_pixels(ome[0], header), ome[1].reshape(-1, 20, 30))


def test_an_ome_tiff_tells_sizes_bits_and_names(ome: tuple[Path, np.ndarray]) -> None:
    """Nanometres and milliseconds become micrometres and seconds."""
    (header,) = read_file(ome[0]).pictures
    assert (header.pixel_size_um, header.z_step_um, header.t_step_s) == ((0.5, 0.25), 2.0, 0.5)
    assert (header.significant_bits, header.channel_names) == (12, ("DAPI", "GFP"))


def test_the_series_of_an_ome_tiff_are_asked_about(tmp_path: Path) -> None:
    """Two pictures in a file are two images, each by its name."""
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(noise_picture(20, 30), photometric="minisblack", metadata={"axes": "YX", "Name": "left"})
        writer.write(noise_picture(40, 30), photometric="minisblack", metadata={"axes": "YX", "Name": "right"})
    found = read_file(path)
    assert (_keys(found), [header.title for header in found.pictures]) == (["series"], ["left", "right"])


def _with_xml(path: Path, xml: str) -> Path:
    tifffile.imwrite(path, noise_picture(20, 30), photometric="minisblack", description=xml, metadata=None)
    return path


_OME = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">{}</OME>'


def test_a_missing_companion_is_named(tmp_path: Path) -> None:
    """Half a set is never half an image."""
    pixels = (
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="30" SizeY="20" SizeZ="2" SizeC="1" SizeT="1">'
        '<TiffData IFD="0" FirstZ="0" PlaneCount="1"><UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData>'
        '<TiffData IFD="0" FirstZ="1" PlaneCount="1"><UUID FileName="b.ome.tif">urn:uuid:2</UUID></TiffData></Pixels></Image>'
    )
    with pytest.raises(UnreadableImage, match=r"b\.ome\.tif is not beside it"):
        read_file(_with_xml(tmp_path / "a.ome.tif", _OME.format(pixels)))


def test_a_file_that_only_refers_to_another_names_it(tmp_path: Path) -> None:
    """The description lies elsewhere: that file is to be imported."""
    xml = _OME.format('<BinaryOnly MetadataFile="set.companion.ome" UUID="urn:uuid:2"/>')
    with pytest.raises(UnsupportedFormat, match=r"set\.companion\.ome"):
        read_file(_with_xml(tmp_path / "a.ome.tif", xml))


def test_xml_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    """Entities are not expanded."""
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a "aaaa">]><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">&a;</OME>'
    )
    with pytest.raises((UnreadableImage, UnsupportedFormat)):
        read_file(_with_xml(tmp_path / "a.ome.tif", bomb))


@pytest.mark.parametrize("truncate", [False, True])
def test_an_imagej_stack_may_follow_one_header(tmp_path: Path, truncate: bool) -> None:
    """ImageJ writes large stacks behind a single page; all planes are read."""
    pixels = noise_picture(6 * 30, 40, dtype="uint16").reshape(6, 30, 40)
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"contiguous": True} if truncate else {}
    with tifffile.TiffWriter(path, imagej=True) as writer:
        writer.write(pixels, metadata={"axes": "ZYX"}, **options)
    (header,) = read_file(path).pictures
    assert header.stack == (("z", 6),)
    np.testing.assert_array_equal(_pixels(path, header), pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_many_channels_are_planes(tmp_path: Path, planar: str) -> None:
    """Seven bands are seven channels, whether they lie together or apart."""
    pixels = noise_picture(7 * 30, 40, dtype="uint16").reshape(7, 30, 40)
    path = tmp_path / "a.tif"
    stored = np.moveaxis(pixels, 0, -1) if planar == "contig" else pixels
    tifffile.imwrite(
        path, stored, photometric="minisblack", planarconfig=planar, tile=(16, 16), extrasamples=["unspecified"] * 6, metadata=None
    )
    (header,) = read_file(path).pictures
    assert (header.stack, header.channels, header.alpha) == ((("c", 7),), 1, False)
    np.testing.assert_array_equal(_pixels(path, header), pixels)


def test_a_fourth_band_is_not_alpha(tmp_path: Path) -> None:
    """Red, green, blue and infrared stay four channels."""
    pixels = noise_picture(30, 40, channels=4)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=["unspecified"], metadata=None)
    (header,) = read_file(path).pictures
    assert (header.stack, header.alpha) == ((("c", 4),), False)


def test_nodata_and_ground_size_of_a_geotiff(tmp_path: Path) -> None:
    """GDAL's tag, and a pixel of 10 metres in a projected map."""
    path = tmp_path / "a.tif"
    keys = (1, 1, 0, 2, 1024, 0, 1, 1, 3076, 0, 1, 9001)  # projected, in metres
    extra = [
        (42113, 2, 6, "-9999", True),
        (33550, 12, 3, (10.0, 10.0, 0.0), True),
        (33922, 12, 6, (0.0,) * 6, True),
        (34735, 3, 12, keys, True),
    ]
    tifffile.imwrite(path, np.zeros((20, 30), np.int16), photometric="minisblack", extratags=extra, metadata=None)
    (header,) = read_file(path).pictures
    assert (header.nodata, header.pixel_size_um) == (-9999, (1e7, 1e7))


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint32", "int32", "float16", "float32", "float64", "uint64"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_all_numbers_are_kept(tmp_path: Path, dtype: str, byteorder: Any, tile: tuple[int, int] | None) -> None:
    """Of every type and both orders of bytes, in tiles and strips."""
    pixels = noise_picture(33, 47, dtype="uint16").astype(dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", byteorder=byteorder, tile=tile, compression="zlib", metadata=None)
    (header,) = read_file(path).pictures
    np.testing.assert_array_equal(_pixels(path, header)[0], pixels)


@pytest.mark.parametrize("compression", ["zlib", "lzw", "packbits", "zstd", "lzma", "webp", "jpeg2000", "png", "jpegxl"])
@pytest.mark.parametrize("predictor", [False, True])
def test_usual_compressions_are_read(tmp_path: Path, compression: str, predictor: bool) -> None:
    """Without loss, with and without a predictor where there can be one."""
    if predictor and compression not in ("zlib", "lzw", "zstd", "lzma"):
        predictor = False
    picture = noise_picture(70, 90, channels=3)
    options: dict[str, Any] = {"compressionargs": {"lossless": True}} if compression == "webp" else {}
    path = write_tiff(tmp_path / "a.tif", picture, tile_px=32, compression=compression, predictor=predictor, **options)
    (header,) = read_file(path).pictures
    np.testing.assert_array_equal(np.moveaxis(_pixels(path, header)[0], 0, -1), picture)


def test_twelve_bits_are_said(tmp_path: Path) -> None:
    """Packed samples keep their values, and the header knows how many bits say something."""
    pixels = noise_picture(30, 40, dtype="uint16") // 16
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", bitspersample=12, metadata=None)
    (header,) = read_file(path).pictures
    assert header.significant_bits == 12
    np.testing.assert_array_equal(_pixels(path, header)[0], pixels)


def test_bilevel_pictures_are_masks(tmp_path: Path) -> None:
    """One bit a pixel becomes 0 and 1."""
    pixels = noise_picture(30, 41) > 127
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None)
    (header,) = read_file(path).pictures
    np.testing.assert_array_equal(_pixels(path, header)[0], pixels.astype(np.uint8))


def test_inks_become_light(tmp_path: Path) -> None:
    """CMYK is turned into RGB: no ink is white, full black is black."""
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 1, 3] = 255
    pixels[1, 0, 0] = 255
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="separated", metadata=None)
    (header,) = read_file(path).pictures
    rgb = np.moveaxis(_pixels(path, header)[0], 0, -1)
    assert [tuple(rgb[p]) for p in ((0, 0), (0, 1), (1, 0))] == [(255, 255, 255), (0, 0, 0), (0, 255, 255)]


def test_tiles_that_were_never_written_are_nodata(tmp_path: Path) -> None:
    """A sparse file has nothing there, and says so by its nodata value."""
    path = tmp_path / "a.tif"
    tiles = [np.full((16, 16), 7, np.int16), None, None, np.full((16, 16), 9, np.int16)]
    extra = [(42113, 2, 3, "-1", True)]
    tifffile.imwrite(
        path, iter(tiles), shape=(32, 32), dtype=np.int16, tile=(16, 16), photometric="minisblack", extratags=extra, metadata=None
    )
    (header,) = read_file(path).pictures
    pixels = _pixels(path, header)[0]
    assert [int(pixels[y, x]) for y, x in ((0, 0), (0, 16), (16, 0), (16, 16))] == [7, -1, -1, 9]


def test_strips_of_a_stack_are_read_within_a_small_memory(tmp_path: Path) -> None:
    """Planes of compressed strips pass through scratch files one after the other."""
    pixels = noise_picture(4 * 600, 700, dtype="uint16").reshape(4, 600, 700)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", compression="zlib", rowsperstrip=20, metadata=None)
    (header,) = read_file(path, answers={"pages": "z"}).pictures
    np.testing.assert_array_equal(_pixels(path, header, memory_bytes=2**20), pixels)


def test_too_many_pages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: tuple[Path, np.ndarray]) -> None:
    """A file cannot keep us busy with pages without end."""
    monkeypatch.setattr("labkit.formats.tiff._MOST_PAGES", 4)
    with pytest.raises(UnsupportedFormat, match="5 pages"):
        read_file(pages[0])


def test_a_damaged_tile_is_named(tmp_path: Path) -> None:
    """The error says which tile it is."""
    path = write_tiff(tmp_path / "a.tif", noise_picture(64, 64), tile_px=32, compression="zlib")
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].dataoffsets[2]  # type: ignore[union-attr]
    data = bytearray(path.read_bytes())
    data[offset : offset + 100] = bytes(100)
    path.write_bytes(bytes(data))
    (header,) = read_file(path).pictures
    with pytest.raises(UnreadableImage, match="tile 2"):
        _pixels(path, header)
