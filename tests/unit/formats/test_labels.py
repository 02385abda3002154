"""Label images keep their ids, whatever the file; what holds no ids is refused in words."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from labkit.errors import InvalidInput, LabKitError, NotFound, UnreadableImage, UnsupportedFormat
from labkit.formats.labels import orient_labels, probe_labels, read_labels, write_labels
from labkit.testing.shapes import disc_labels, noise_labels

ORIENTATION = 274


def write(path, labels, dtype=None):
    write_labels(path, labels.shape, dtype or labels.dtype.type, lambda box: labels[box.slices])
    return path


def tiny_png(bits, packed_row, width):
    """Make a grey PNG of one row with less than a byte per pixel."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, 1, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" + packed_row)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", [".tif", ".TIFF", ".png", ".npy"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_ids_come_back(tmp_path, suffix, dtype):
    """Each format and type returns the pixels, the head says their shape, and the bytes repeat."""
    labels = disc_labels(1, (70, 1030), 200).astype(dtype)
    path = tmp_path / f"labels{suffix}"
    if suffix == ".png" and dtype == np.uint32:
        with pytest.raises(InvalidInput, match="65535"):
            write(path, labels)
        assert list(tmp_path.iterdir()) == []
        return
    write(path, labels)
    first = path.read_bytes()
    assert probe_labels(path).shape == labels.shape
    assert np.array_equal(read_labels(path), labels)
    assert read_labels(path).dtype == dtype
    assert write(path, labels).read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_large_ids_do_not_pass_through_floats(tmp_path):
    """2 ** 24 + 1 is the first whole number that 32-bit floats lose."""
    labels = np.array([[0, 2**24 + 1], [2**32 - 1, 7]], dtype=np.uint32)
    assert np.array_equal(read_labels(write(tmp_path / "a.tif", labels)), labels)


def test_a_palette_png_gives_its_indices(tmp_path):
    """Not the colours, which may repeat."""
    indices = np.array([[0, 1, 2], [255, 254, 1]], dtype=np.uint8)
    image = Image.fromarray(indices).convert("P")
    image.putpalette([value for k in range(256) for value in (k // 2, 0, 255 - k // 2)])
    image.putdata(indices.reshape(-1).tolist())
    image.save(tmp_path / "p.png", transparency=0)
    assert np.array_equal(read_labels(tmp_path / "p.png"), indices)


@pytest.mark.parametrize(("bits", "row", "ids"), [(1, b"\xb0", [1, 0, 1, 1]), (2, b"\xb4", [2, 3, 1, 0]), (4, b"\xb4\x0f", [11, 4, 0, 15])])
def test_greys_of_few_bits_keep_their_values(tmp_path, bits, row, ids):
    """Decoders stretch them to 0-255 for the eye; ids are what was stored."""
    (tmp_path / "g.png").write_bytes(tiny_png(bits, row, len(ids)))
    assert read_labels(tmp_path / "g.png").tolist() == [ids]


def test_other_ways_to_store_ids(tmp_path):
    """Booleans, whole numbers stored as floats, a page axis of one, columns first in memory, a wrong name."""
    labels = noise_labels(0, (5, 7), 3)
    tifffile.imwrite(tmp_path / "f.tif", labels.astype(np.float32))
    tifffile.imwrite(tmp_path / "page.tif", labels[None], photometric="minisblack")
    tifffile.imwrite(tmp_path / "png.png", labels, compression="zlib", predictor=True)
    np.save(tmp_path / "f.npy", np.asfortranarray(labels.astype(np.int64)))
    for path in tmp_path.iterdir():
        assert np.array_equal(read_labels(path), labels), path.name
    np.save(tmp_path / "b.npy", labels > 1)
    assert np.array_equal(read_labels(tmp_path / "b.npy"), labels > 1)
    tifffile.imwrite(tmp_path / "line.tif", labels[:1])
    assert probe_labels(tmp_path / "line.tif").shape == (1, 7)
    assert np.array_equal(read_labels(tmp_path / "line.tif"), labels[:1])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_turned_file_comes_back_upright(tmp_path, suffix, orientation):
    """Each of the eight orientations, in EXIF of a PNG and in a TIFF's tag, gives the same array as Pillow's turn."""
    labels = noise_labels(1, (3, 5), 9)
    path = tmp_path / f"a{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    if suffix == ".png":
        Image.fromarray(labels.astype(np.uint8)).save(path, exif=exif)
    else:
        tifffile.imwrite(path, labels, extratags=[(ORIENTATION, 3, 1, orientation, True)])
    image = Image.fromarray(labels.astype(np.uint8))
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF number to Pillow's Transpose
    upright = np.asarray(image.transpose(Image.Transpose(turns[orientation])) if orientation > 1 else image)
    assert probe_labels(path).shape == upright.shape
    assert np.array_equal(read_labels(path), upright)


def test_orientation_six_puts_the_first_pixel_top_right():
    """A picture 4 wide and 2 high becomes 2 wide and 4 high; its pixel (0, 0) appears at x = 1, y = 0."""
    upright = orient_labels(np.arange(8).reshape(2, 4), 6)
    assert upright.shape == (4, 2)
    assert upright[0, 1] == 0


@pytest.mark.parametrize("name", ["colour.png", "alpha.png", "colour.tif", "stack.tif", "two.tif", "cube.npy", "half.npy", "object.npy"])
def test_a_picture_is_no_label_image(tmp_path, name):
    """Colours, stacks, several pictures, fractions and pickles are refused with a hint."""
    rng = np.random.default_rng(0)
    path = tmp_path / name
    match name:
        case "colour.png" | "alpha.png":
            Image.fromarray(rng.integers(0, 255, (4, 4, 3 if name == "colour.png" else 4), dtype=np.uint8)).save(path)
        case "colour.tif":
            tifffile.imwrite(path, rng.integers(0, 255, (4, 4, 3), dtype=np.uint8), photometric="rgb")
        case "stack.tif":
            tifffile.imwrite(path, rng.integers(0, 255, (5, 4, 4), dtype=np.uint8), photometric="minisblack")
        case "two.tif":
            with tifffile.TiffWriter(path) as file:
                file.write(np.zeros((4, 4), np.uint8))
                file.write(np.zeros((3, 4), np.uint8))
        case "cube.npy":
            np.save(path, np.zeros((2, 2, 2), int))
        case "half.npy":
            np.save(path, np.full((2, 2), 0.5))
        case "object.npy":
            np.save(path, np.array([[{}, None]]), allow_pickle=True)
    with pytest.raises((InvalidInput, UnreadableImage), match=name) as caught:
        read_labels(path)
    assert caught.value.hint


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.9, 0.99])
def test_a_file_cut_short_is_refused(tmp_path, suffix, part):
    """At any length: nothing, within the head, within the pixels, a few bytes before the end; one line, with the name."""
    path = write(tmp_path / f"whole{suffix}", np.random.default_rng(0).integers(0, 60000, (600, 600)).astype(np.uint16))
    data = path.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(LabKitError, match="cut") as caught:
        read_labels(cut)
    assert isinstance(caught.value, UnreadableImage)
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_what_holds_no_labels_is_refused(tmp_path):
    """JPEG changes ids, text is no picture, a folder and nothing are no file."""
    Image.new("L", (8, 8)).save(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("hello world")
    with pytest.raises(UnsupportedFormat, match="JPEG changes ids"):
        read_labels(tmp_path / "a.jpg")
    with pytest.raises(UnsupportedFormat):
        read_labels(tmp_path / "a.txt")
    for missing in (tmp_path, tmp_path / "no.png"):
        with pytest.raises(NotFound):
            read_labels(missing)


def test_a_huge_declared_size_is_told_without_decoding(tmp_path):
    """The head of a file that declares 4 billion pixels is read; nobody allocates them."""
    data = bytearray(tiny_png(1, b"\xb0", 4))
    data[16:24] = struct.pack(">II", 65000, 65000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    (tmp_path / "bomb.png").write_bytes(data)
    assert probe_labels(tmp_path / "bomb.png").shape == (65000, 65000)


def test_a_failing_write_leaves_the_old_file(tmp_path):
    """An error midway leaves what was there, and nothing beside it."""
    path = write(tmp_path / "a.tif", noise_labels(0, (600, 600), 9))
    before = path.read_bytes()

    def read(box):
        if box.y0:
            raise InvalidInput("no", hint="no")
        return np.zeros(box.shape, dtype=np.uint16)

    with pytest.raises(InvalidInput):
        write_labels(path, (600, 600), np.uint16, read)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_suffix_is_refused(tmp_path):
    """A label image is never written where its name promises something lossy."""
    with pytest.raises(InvalidInput, match=r"a\.jpg"):
        write(tmp_path / "a.jpg", noise_labels(0, (4, 4), 3))
