"""What a picture file holds, from its header alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import NotFound
from labkit.formats.raster import Layout, PictureFile, Question, RasterHeader, Role
from labkit.storage import explain_os_errors
from labkit.tiling.building import picture_file_from_json, plan_of
from labkit.tiling.decoder import Decoder, open_decoder

__all__ = ["PictureFacts", "Probe", "file_bytes", "probe", "read_header_of"]

_BYTES_PER_S = 60e6  # of declared pixels, on two modest cores; said as a rough time only
_WHOLE_BYTES_PER_S = 40e6


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """One picture that an import will make; sizes are those of the upright picture.

    Attributes
    ----------
    title : str
        Which of several in the file it is; empty for the only one.
    axes : tuple of {"t", "c", "z", "y", "x"}
        Grey has no channel axis.
    shape : tuple of int
        In the order of `axes`; alpha is not counted.
    dtype : str
        Of the pixels.
    bits, significant_bits : int
        Per sample in the file, and how many of them say something.
    pixel_size_um, z_step_um : (float, float) or None, float or None
        Size (y, x) of a pixel and distance of planes in micrometres, only if the file says it and it can be that of a microscope.
    orientation : int
        As it stands in the file, 1 to 8; 1 means that the pixels are stored upright.
    layout : {"tiled", "strips", "whole"}
        How the pixels lie in the file.
    alpha : bool
        Whether the file has an alpha channel.
    nodata : float or None
        The value that stands for "nothing was measured".
    channel_names : tuple of str
        Empty where the file does not say.
    declared_bytes : int
        Bytes of all pixels, uncompressed.
    notes : tuple of str
        What a person should know of how it is read.
    """

    title: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    bits: int
    significant_bits: int
    pixel_size_um: tuple[float, float] | None
    z_step_um: float | None
    orientation: int
    layout: Layout
    alpha: bool
    nodata: float | None
    channel_names: tuple[str, ...]
    declared_bytes: int
    notes: tuple[str, ...]

    @property
    def unit(self) -> str:
        """The unit of a pixel's size: "micrometer", or "pixel" where it is not known."""
        return "pixel" if self.pixel_size_um is None else "micrometer"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file will become when it is imported.

    Attributes
    ----------
    format : str
        "PNG", "JPEG", "TIFF", "BigTIFF", ...
    file_bytes : int
        Its length.
    pictures : tuple of PictureFacts
        The images that it makes, under the answers that were given.
    questions : tuple of Question
        What the file leaves open, with the default that is taken when nobody answers.
    notes : tuple of str
        What a person should know of the file.
    predicted_bytes : int
        Room that the images will need at most: levels add a third, and noise cannot be compressed.
    predicted_s : float
        A rough time for the import on two cores.
    """

    format: str
    file_bytes: int
    pictures: tuple[PictureFacts, ...]
    questions: tuple[Question, ...]
    notes: tuple[str, ...]
    predicted_bytes: int
    predicted_s: float


def probe(path: Path | str, *, role: Role = "image", answers: Mapping[str, str] | None = None, decoder: Decoder | None = None) -> Probe:
    """Say what the picture file `path` holds; no pixel is decoded.

    The header is read in a process of its own, so that a malformed file can harm nobody.

    Parameters
    ----------
    path : path
        The file, or the folder of an OME-Zarr store.
    role : {"image", "labels"}
        What it is to be used as: palettes become colours in an image, and stay ids in labels.
    answers : mapping, optional
        Answers to its questions, by key.
    decoder : Decoder, optional
        The process to use; by default a new one.

    Raises
    ------
    NotFound
        There is no such file.
    UnreadableImage
        It is empty, no picture, cut short, or its header cannot be read.
    UnsupportedFormat
        It is a picture of a kind that is not read.
    InvalidInput
        An answer is none of the options.
    """
    path = Path(path).expanduser()
    if decoder is None:
        with open_decoder() as own:
            found = read_header_of(own, path, role, answers or {})
    else:
        found = read_header_of(decoder, path, role, answers or {})
    pictures = tuple(_facts(header) for header in found.pictures)
    rate = _BYTES_PER_S if all(p.layout == "tiled" for p in pictures) else _WHOLE_BYTES_PER_S
    declared = sum(p.declared_bytes for p in pictures)
    return Probe(
        format=found.format,
        file_bytes=file_bytes(path),
        pictures=pictures,
        questions=found.questions,
        notes=found.notes,
        predicted_bytes=declared * 4 // 3,
        predicted_s=round(0.3 + declared / rate, 1),
    )


def read_header_of(decoder: Decoder, path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Return `labkit.formats.pictures.read_file`, read by a decoder."""
    with explain_os_errors(path):
        if not path.exists():
            raise NotFound(f"{path} does not exist.", hint="Check the path.", path=str(path))
    arguments = {"path": str(path), "role": role, "answers": dict(answers)}
    task = "labkit.tiling.building:probe_file"
    return picture_file_from_json(decoder.run(task, arguments, what=path.name, stall_s=decoder.limits.header_s))


def file_bytes(path: Path) -> int:
    """Return the length of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def _facts(header: RasterHeader) -> PictureFacts:
    plan = plan_of(header, "image")
    pixel = header.pixel_size_um
    return PictureFacts(
        title=header.title,
        axes=plan.axes,
        shape=plan.shape(0),
        dtype=header.dtype,
        bits=header.bits,
        significant_bits=header.significant_bits or header.bits,
        pixel_size_um=(pixel[1], pixel[0]) if pixel and header.orientation >= 5 else pixel,
        z_step_um=header.z_step_um,
        orientation=header.orientation,
        layout=header.layout,
        alpha=header.alpha,
        nodata=header.nodata,
        channel_names=header.channel_names,
        declared_bytes=header.declared_bytes,
        notes=header.notes,
    )
