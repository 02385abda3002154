"""Reading picture files of every kind, and refusing what is none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from labkit.errors import NotFound, UnreadableImage, UnsupportedFormat
from labkit.formats.pictures import READERS, Reader, open_raster, read_file
from labkit.formats.raster import RasterHeader, Role
from labkit.geometry import Box
from labkit.testing.pictures import (
    corner_picture,
    noise_picture,
    oriented,
    two_disc_labels,
    write_bomb_tiff,
    write_jpeg,
    write_png,
    write_tiff,
)


def read_header(path: Path, role: Role = "image", **answers: str) -> RasterHeader:
    """Return the only picture of a file."""
    (header,) = read_file(path, role, answers).pictures
    return header


def _read(path: Path, role: Role = "image", box: Box | None = None) -> np.ndarray:
    """Read a picture as (y, x) or (y, x, c), in one piece or only `box`."""
    header = read_header(path, role)
    source = open_raster(path, header, role, path.with_suffix(".scratch"))
    try:
        pixels = source.read(box or Box.of_shape(*source.shape[-2:]))
        assert pixels.dtype == source.dtype
        return np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 else pixels
    finally:
        source.close()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tile_px": None},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True, "tile_px": None},
        {"compression": "lzw", "tile_px": 48},
        {"bigtiff": True},
        {"byteorder": ">"},
    ],
)
def test_tiff_comes_back_bit_identical(tmp_path: Path, dtype: str, channels: int | None, options: dict[str, Any]) -> None:
    """Tiles and strips, both depths, grey and RGB, with and without compression: the pixels that were written."""
    picture = noise_picture(300, 270, channels=channels, dtype=dtype)
    np.testing.assert_array_equal(_read(write_tiff(tmp_path / "a.tif", picture, **options)), picture)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [None, 3])
def test_png_comes_back_bit_identical(tmp_path: Path, dtype: str, channels: int | None) -> None:
    """16-bit grey and 16-bit RGB PNG keep every bit (Pillow alone would make 8 of them)."""
    picture = noise_picture(40, 61, channels=channels, dtype=dtype)
    np.testing.assert_array_equal(_read(write_png(tmp_path / "a.png", picture)), picture)


def test_jpeg_comes_back_as_pillow_sees_it(tmp_path: Path) -> None:
    """Colours are in the right order and close to those that were written."""
    picture = corner_picture(96, 128)
    assert np.abs(_read(write_jpeg(tmp_path / "a.jpg", picture)).astype(int) - picture).mean() < 3


@pytest.mark.parametrize("box", [Box(0, 0, 1, 1), Box(250, 200, 300, 270), Box(17, 33, 290, 100)])
@pytest.mark.parametrize("tile_px", [None, 48, 256])
def test_a_box_is_cut_from_tiles_and_strips(tmp_path: Path, box: Box, tile_px: int | None) -> None:
    """Any box is the same pixels, whatever the pieces in the file."""
    picture = noise_picture(300, 270, channels=3)
    path = write_tiff(tmp_path / "a.tif", picture, tile_px=tile_px, compression="zlib")
    np.testing.assert_array_equal(_read(path, box=box), picture[box.slices])


def test_planar_and_interleaved_tiff_are_the_same_picture(tmp_path: Path) -> None:
    """Where the samples lie in the file makes no difference."""
    picture = noise_picture(130, 140, channels=3)
    for tile_px in (None, 64):
        path = write_tiff(tmp_path / "p.tif", np.moveaxis(picture, -1, 0), tile_px=tile_px, planarconfig="separate", photometric="rgb")
        np.testing.assert_array_equal(_read(path), picture)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_orientation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    """All eight orientations of one non-square picture give the same upright pixels, tiled and stripped."""
    upright = corner_picture(70, 150)
    for tile_px in (None, 32):
        path = write_tiff(tmp_path / "a.tif", oriented(upright, orientation), tile_px=tile_px, orientation=orientation)
        np.testing.assert_array_equal(_read(path), upright)
        np.testing.assert_array_equal(_read(path, box=Box(3, 5, 61, 40)), upright[3:61, 5:40])


@pytest.mark.parametrize("orientation", [0, 1, 2, 3, 4, 5, 6, 7, 8, 77])
def test_jpeg_orientation_is_what_pillow_says(tmp_path: Path, orientation: int) -> None:
    """EXIF orientation is applied as Pillow's own transposition does; 0 and garbage mean upright."""
    path = write_jpeg(tmp_path / "a.jpg", corner_picture(70, 150), orientation=orientation)
    with Image.open(path) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    np.testing.assert_array_equal(_read(path), expected)


def test_png_orientation_is_applied(tmp_path: Path) -> None:
    """A PNG's eXIf chunk turns the picture too."""
    upright = corner_picture()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(oriented(upright, 6)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(_read(tmp_path / "a.png"), upright)


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_alpha_is_the_last_channel(tmp_path: Path, kind: str) -> None:
    """Colours come as stored, also where they cannot be seen."""
    rgba = np.dstack([corner_picture(), np.full((37, 91), 255, np.uint8)])
    rgba[0, 0, 3] = 0
    path = write_png(tmp_path / "a.png", rgba) if kind == "png" else write_tiff(tmp_path / "a.tif", rgba, extrasamples=["unassalpha"])
    assert read_header(path).alpha
    np.testing.assert_array_equal(_read(path), rgba)


def test_a_palette_is_colours_in_an_image_and_ids_in_labels(tmp_path: Path) -> None:
    """The role decides what a palette means, in PNG and in TIFF."""
    ids = np.array([[0, 1, 2], [2, 1, 0]], dtype=np.uint8)
    colours = np.array([[0, 0, 0], [250, 10, 20], [30, 240, 50]], dtype=np.uint8)
    picture = Image.fromarray(ids, mode="P")
    picture.putpalette(colours.tobytes())
    for name in ("a.png", "a.tif"):
        picture.save(tmp_path / name)
        np.testing.assert_array_equal(_read(tmp_path / name), colours[ids])
        np.testing.assert_array_equal(_read(tmp_path / name, "labels"), ids)


def test_white_paper_of_a_cmyk_jpeg_stays_white(tmp_path: Path) -> None:
    """Four inks are turned into RGB, not taken for RGBA."""
    Image.fromarray(np.full((16, 16, 3), 255, np.uint8)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert _read(tmp_path / "a.jpg").min() > 240


def test_white_is_zero_is_turned(tmp_path: Path) -> None:
    """A grey TIFF whose zero is white looks as it should."""
    picture = noise_picture(20, 30)
    np.testing.assert_array_equal(_read(write_tiff(tmp_path / "a.tif", picture, photometric="miniswhite")), 255 - picture)


def test_jpeg_tiles_in_a_tiff(tmp_path: Path) -> None:
    """JPEG-compressed tiles (as slides have) are decoded to RGB."""
    picture = corner_picture(128, 128)
    path = write_tiff(tmp_path / "a.tif", picture, tile_px=64, compression="jpeg", compressionargs={"level": 95})
    assert np.abs(_read(path).astype(int) - picture).mean() < 6


def test_a_large_stripped_picture_goes_through_a_scratch_file(tmp_path: Path) -> None:
    """What does not fit memory is unrolled on the disk, in a file that has no name any more."""
    picture = noise_picture(1000, 900, channels=3)
    path = write_tiff(tmp_path / "a.tif", picture, tile_px=None, compression="zlib", rowsperstrip=10)
    source = open_raster(path, read_header(path), "image", tmp_path / "scratch", memory_bytes=2**20)
    np.testing.assert_array_equal(np.moveaxis(source.read(Box(7, 5, 990, 800)), 0, -1), picture[7:990, 5:800])
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]
    source.close()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"resolution": (20000, 40000), "resolutionunit": "CENTIMETER"}, (0.25, 0.5)),
        ({"resolution": (300, 300), "resolutionunit": "INCH"}, None),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"resolution": (2, 4), "resolutionunit": "NONE"}, None),
        ({"resolution": (4, 2), "imagej": True, "metadata": {"unit": "um"}, "tile_px": None, "extratags": ()}, (0.5, 0.25)),
        ({"ome": True, "metadata": {"PhysicalSizeX": 0.3, "PhysicalSizeY": 600, "PhysicalSizeYUnit": "nm"}}, (0.6, 0.3)),
        ({}, None),
    ],
)
def test_pixel_size_is_taken_where_it_is_credible(tmp_path: Path, options: dict[str, Any], expected: tuple[float, float] | None) -> None:
    """Centimetres, ImageJ's unit and OME's sizes count; what cameras, screens and scanners write does not."""
    size = read_header(write_tiff(tmp_path / "a.tif", noise_picture(30, 40), **options)).pixel_size_um
    assert size == (expected if expected is None else pytest.approx(expected, rel=1e-4))


def test_headers_say_what_a_file_holds(tmp_path: Path) -> None:
    """Format, depth, layout and size come from the header."""
    header = read_header(write_tiff(tmp_path / "a.tif", noise_picture(300, 270, channels=3, dtype="uint16"), bigtiff=True))
    assert (header.format, header.bits, header.dtype, header.layout) == ("BigTIFF", 16, "uint16", "tiled")
    assert (header.height_px, header.width_px, header.channels) == (300, 270, 3)


def test_a_wrong_extension_does_not_matter(tmp_path: Path) -> None:
    """A JPEG named .tif is read as the JPEG that it is."""
    assert read_header(write_jpeg(tmp_path / "a.tif", corner_picture())).format == "JPEG"


def test_labels_come_with_all_their_bits(tmp_path: Path) -> None:
    """32-bit ids are read as labels."""
    ids = two_disc_labels().astype(np.uint32) * 20_000_001
    np.testing.assert_array_equal(_read(write_tiff(tmp_path / "a.tif", ids), "labels"), ids)


@pytest.mark.parametrize("name", ["a.jpg", "rgb.png"])
def test_labels_are_neither_jpeg_nor_colour(tmp_path: Path, name: str) -> None:
    """What cannot hold ids is refused as labels."""
    path = tmp_path / name
    _ = write_jpeg(path, noise_picture(20, 20)) if name == "a.jpg" else write_png(path, corner_picture())
    with pytest.raises(UnsupportedFormat):
        read_header(path, "labels")


def _zero(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("not a picture at all")


def _complex(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((20, 20), np.complex64))


def _pickled(path: Path) -> None:
    with open(path, "wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def _pdf(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7" + bytes(100))


def _only_magic(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n")


def _tiff_without_pages(path: Path) -> None:
    path.write_bytes(b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00")


def _garbage_png(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))


def _garbage_jpeg(path: Path) -> None:
    path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(200))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (_zero, UnreadableImage),
        (_text, UnreadableImage),
        (_only_magic, UnreadableImage),
        (_garbage_png, UnreadableImage),
        (_garbage_jpeg, UnreadableImage),
        (_tiff_without_pages, UnreadableImage),
        (Path.mkdir, UnreadableImage),
        (_pickled, UnreadableImage),
        (_complex, UnsupportedFormat),
        (_pdf, UnsupportedFormat),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_hint(tmp_path: Path, make: Any, error: type[Exception]) -> None:
    """Each kind of bad file gives one line and a hint, from the header alone."""
    make(tmp_path / "bad.tif")
    with pytest.raises(error) as caught:
        read_header(tmp_path / "bad.tif")
    assert "\n" not in caught.value.message  # type: ignore[attr-defined]
    assert caught.value.hint  # type: ignore[attr-defined]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """What is no regular file is refused at once."""
    os.mkfifo(tmp_path / "pipe.tif")
    with pytest.raises(UnreadableImage):
        read_header(tmp_path / "pipe.tif")


def test_bytes_after_the_end_of_a_png_do_not_matter(tmp_path: Path) -> None:
    """Phones and programs append things; the picture is whole."""
    picture = noise_picture(20, 30)
    path = write_png(tmp_path / "a.png", picture)
    path.write_bytes(path.read_bytes() + bytes(9000))
    np.testing.assert_array_equal(_read(path), picture)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    """A path without a file is said to be that."""
    with pytest.raises(NotFound):
        read_header(tmp_path / "no.png")


@pytest.mark.parametrize("kind", ["png", "jpg", "tiled.tif", "strips.tif"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_noticed(tmp_path: Path, kind: str, share: float) -> None:
    """A file cut short anywhere is refused, never read as a picture with a grey rest."""
    picture = noise_picture(200, 180, channels=3)
    path = tmp_path / kind
    if kind == "png":
        write_png(path, picture)
    elif kind == "jpg":
        write_jpeg(path, picture)
    else:
        write_tiff(path, picture, tile_px=64 if kind.startswith("tiled") else None, compression="zlib")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableImage):
        _read(path)


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_damaged_pixels_are_noticed(tmp_path: Path, kind: str) -> None:
    """Compressed pixels with bytes changed in the middle are refused in one line."""
    picture = noise_picture(200, 180)
    path = write_png(tmp_path / "a.png", picture) if kind == "png" else write_tiff(tmp_path / "a.tif", picture, compression="zlib")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(bytes(data))
    with pytest.raises(UnreadableImage):
        _read(path)


def test_a_picture_that_needs_too_much_memory_is_refused(tmp_path: Path) -> None:
    """A BMP that declares 65000 x 65000 pixels is not even begun."""
    path = tmp_path / "a.bmp"
    Image.fromarray(corner_picture()).save(path)
    data = bytearray(path.read_bytes())
    data[18:26] = (65_000).to_bytes(4, "little") * 2
    path.write_bytes(bytes(data))
    with pytest.raises(UnsupportedFormat, match="GB of memory"):
        _read(path)


def test_a_bomb_shows_its_declared_size(tmp_path: Path) -> None:
    """A small file that declares 40 gigapixels says so from its header, without a pixel decoded."""
    path = write_bomb_tiff(tmp_path / "bomb.tif")
    assert path.stat().st_size < 100_000
    assert read_header(path).declared_bytes == 200_000**2


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_every_reader_of_the_table_is_there(reader: Reader) -> None:
    """Readers are loaded when the first file of their kind comes, so that a wrong name would be noticed late."""
    assert callable(reader.read)
    assert callable(reader.open)
