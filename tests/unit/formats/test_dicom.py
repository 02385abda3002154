"""DICOM, written by pydicom and by those who made the files that come with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from labkit.errors import LabKitError, UnreadableImage, UnsupportedFormat
from labkit.formats.pictures import read_file
from labkit.formats.raster import RasterHeader
from labkit.testing.pictures import noise_picture, read_planes

pydicom = pytest.importorskip("pydicom", reason="DICOM needs the extra 'formats'")
REAL = Path(pydicom.__file__).parent / "data" / "test_files"
_JPEG_LS, _LOSSLESS_JPEG, _RLE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.5"


def _write(path: Path, pixels: np.ndarray, *, kind: str = "MONOCHROME2", bits: int | None = None, frames: int = 1, **values: Any) -> Path:
    """Write pixels (y, x), (y, x, 3) or (frames, y, x) as DICOM."""
    data = pydicom.Dataset()
    data.PatientName, data.PatientID = "Doe^Jane", "1234"
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.4"
    data.SamplesPerPixel = 3 if pixels.ndim == 3 and frames == 1 else 1
    data.Rows, data.Columns = pixels.shape[-2:] if data.SamplesPerPixel == 1 else pixels.shape[:2]
    if data.SamplesPerPixel == 3:
        data.PlanarConfiguration = 0
    if frames > 1:
        data.NumberOfFrames = frames
    data.BitsAllocated = 8 * pixels.dtype.itemsize
    data.BitsStored = bits or data.BitsAllocated
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PhotometricInterpretation = kind
    data.PixelData = pixels.tobytes() + bytes(pixels.nbytes % 2)
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    for name, value in values.items():
        setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path


def _read(path: Path) -> np.ndarray:
    (header,) = read_file(path).pictures
    return read_planes(path, header)[0]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32"])
def test_grey_comes_back(tmp_path: Path, dtype: str) -> None:
    """Every depth, signed and unsigned."""
    pixels = noise_picture(20, 31, dtype=dtype)
    np.testing.assert_array_equal(_read(_write(tmp_path / "a.dcm", pixels)), pixels)


def test_twelve_bits_are_said(tmp_path: Path) -> None:
    """Trap 3."""
    path = _write(tmp_path / "a.dcm", noise_picture(20, 30, dtype="uint16") >> 4, bits=12)
    assert read_file(path).pictures[0].significant_bits == 12


@pytest.mark.parametrize("dtype", ["uint16", "int16"])
def test_white_as_zero_is_turned(tmp_path: Path, dtype: str) -> None:
    """MONOCHROME1 within the bits that are stored, and a note; labels keep their ids."""
    pixels = noise_picture(20, 30, dtype="uint16") >> 5
    path = _write(tmp_path / "a.dcm", pixels.astype(dtype), kind="MONOCHROME1", bits=12)
    (header,) = read_file(path).pictures
    expected = 4095 - pixels.astype(int) if dtype == "uint16" else -1 - pixels.astype(int)
    np.testing.assert_array_equal(read_planes(path, header)[0], expected)
    assert any("White" in note for note in header.notes)
    (labels,) = read_file(path, "labels").pictures
    np.testing.assert_array_equal(read_planes(path, labels, "labels")[0], pixels)


def test_colours_come_back(tmp_path: Path) -> None:
    """RGB as stored."""
    pixels = noise_picture(20, 31, channels=3)
    np.testing.assert_array_equal(_read(_write(tmp_path / "a.dcm", pixels, kind="RGB")), pixels)


def test_sizes_are_in_millimetres(tmp_path: Path) -> None:
    """Rows first; a size of half a millimetre is credible here."""
    path = _write(tmp_path / "a.dcm", noise_picture(20, 30), PixelSpacing=[0.5, 0.25])
    assert read_file(path).pictures[0].pixel_size_um == (500.0, 250.0)


def test_rescaling_is_noted_and_not_applied(tmp_path: Path) -> None:
    """Values stay as stored."""
    pixels = noise_picture(20, 30, dtype="int16")
    path = _write(tmp_path / "a.dcm", pixels, RescaleSlope=2, RescaleIntercept=-1024)
    assert any("rescaling" in note for note in read_file(path).pictures[0].notes)
    np.testing.assert_array_equal(_read(path), pixels)


@pytest.mark.parametrize("answer", ["separate", "z", "t", "first"])
def test_frames_are_asked_about(tmp_path: Path, answer: str) -> None:
    """Trap 8."""
    pixels = np.stack([noise_picture(20, 30, seed=k, dtype="uint16") for k in range(4)])
    path = _write(tmp_path / "a.dcm", pixels, frames=4, SpacingBetweenSlices=3, FrameTime=40)
    found = read_file(path, answers={"pages": answer})
    planes = [plane for header in found.pictures for plane in read_planes(path, header)]
    np.testing.assert_array_equal(planes, pixels if answer != "first" else pixels[:1])
    assert found.pictures[0].z_step_um == (3000.0 if answer == "z" else None)
    assert found.pictures[0].t_step_s == (0.04 if answer == "t" else None)


@pytest.mark.parametrize(("syntax", "encode"), [(_JPEG_LS, imagecodecs.jpegls_encode), (_LOSSLESS_JPEG, imagecodecs.ljpeg_encode)])
@pytest.mark.parametrize("dtype", ["uint16", "int16"])
def test_packed_frames_come_back(tmp_path: Path, syntax: str, encode: Any, dtype: str) -> None:
    """What the reader's own decoders lack: JPEG-LS and lossless JPEG, also of signed numbers."""
    pixels = np.stack([noise_picture(20, 30, seed=k, dtype="uint16") >> 4 for k in range(3)])
    meant = pixels.astype(dtype) - (2048 if dtype == "int16" else 0)
    stored = meant.view(np.uint16) & 0x0FFF
    data = pydicom.encaps.encapsulate([bytes(encode(frame)) for frame in stored])
    path = _write(tmp_path / "a.dcm", meant, frames=3, bits=12)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = data
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    (header,) = read_file(path, answers={"pages": "z"}).pictures
    np.testing.assert_array_equal(read_planes(path, header), meant)


def test_the_head_of_a_tiff_does_not_mislead(tmp_path: Path) -> None:
    """Trap 16: the first 128 bytes of a DICOM may be those of a TIFF."""
    path = _write(tmp_path / "a.dcm", noise_picture(20, 30))
    path.write_bytes(b"II*\0".ljust(128, b"\0") + path.read_bytes()[128:])
    assert read_file(path).format == "DICOM"


def test_no_name_of_a_patient_is_copied(tmp_path: Path) -> None:
    """Neither into titles nor into notes, nor anything else."""
    path = _write(tmp_path / "a.dcm", np.stack([noise_picture(8, 8)] * 2), frames=2, RescaleSlope=2, SeriesDescription="Jane Doe")
    said = repr(read_file(path))
    assert not any(word in said for word in ("Doe", "Jane", "1234"))


def test_the_tiles_of_a_slide_are_refused(tmp_path: Path) -> None:
    """Many frames that are parts of one picture are no stack."""
    path = _write(tmp_path / "a.dcm", np.stack([noise_picture(8, 8)] * 4), frames=4, TotalPixelMatrixColumns=16, TotalPixelMatrixRows=16)
    with pytest.raises(UnsupportedFormat, match="slide"):
        read_file(path)


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    """Trap 14."""
    path = _write(tmp_path / "a.dcm", noise_picture(200, 300))
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(UnreadableImage):
        _read(path)


@pytest.mark.parametrize(
    "name", ["MR_small_jpeg_ls_lossless", "MR_small_jp2klossless", "MR_small_RLE", "MR_small_bigendian", "MR_small_implicit"]
)
def test_one_real_picture_in_every_packing_is_the_same(name: str) -> None:
    """Five files of one slice: pixels are those of the plain one."""
    np.testing.assert_array_equal(_read(REAL / f"{name}.dcm"), _read(REAL / "MR_small.dcm"))


@pytest.mark.parametrize(
    "name", ["SC_rgb_jpeg_gdcm", "SC_rgb_gdcm_KY", "SC_rgb_dcmtk_+eb+cr", "SC_rgb_jls_lossy_line", "SC_ybr_full_422_uncompressed"]
)
def test_one_real_picture_in_colour_is_the_same(name: str) -> None:
    """Lossless, lossy and in other colours: never further than a few values from the plain one."""
    assert np.abs(_read(REAL / f"{name}.dcm").astype(int) - _read(REAL / "SC_rgb_rle.dcm")).max() <= 6


@pytest.mark.parametrize("path", sorted(REAL.glob("*.dcm")), ids=lambda path: path.name)
def test_every_real_file_is_read_or_refused_in_words(path: Path) -> None:
    """Whatever comes with the reader: pixels, or one error with a hint."""
    header, planes, error = _tried(path)
    assert planes[0].shape[:2] == (header.height_px, header.width_px) if header and planes else error and error.hint


def _tried(path: Path) -> tuple[RasterHeader | None, list[np.ndarray], LabKitError | None]:
    try:
        header = read_file(path).pictures[0]
        return header, read_planes(path, header), None
    except LabKitError as error:
        return None, [], error
