"""Pictures made of pixels: what a header says, and the interface behind which the pixels lie."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from labkit.errors import InvalidInput, LabKitError, UnreadableImage, UnsupportedFormat
from labkit.formats.ome_zarr import Role
from labkit.geometry import Box

__all__ = [
    "Layout",
    "Option",
    "PictureFile",
    "Question",
    "RasterHeader",
    "RasterSource",
    "Role",
    "StackAxis",
    "answer_to",
    "check_memory",
    "credible_size_um",
    "decoder_errors",
    "in_array_order",
    "unreadable",
    "unsupported",
    "valid_orientation",
]

Layout = Literal["tiled", "strips", "whole"]
_LARGEST_CREDIBLE_UM = 20.0  # 1270 dots per inch: cameras, screens and scanners write fewer, microscopes far more


StackAxis = Literal["t", "c", "z"]


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question: its value (a word for the command line) and what it means."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a file leaves open and a person must decide.

    Attributes
    ----------
    key : str
        Names the question in `answers`, and as a flag of the command line: "pages", "colour", "series" or "frames".
    text : str
        The question in plain words.
    options : tuple of Option
        What may be answered.
    default : str
        The value taken when nobody answers.
    """

    key: str
    text: str
    options: tuple[Option, ...]
    default: str


@dataclass(frozen=True, slots=True)
class RasterHeader:
    """What a file says of one picture in it; sizes are as stored, before `orientation` is applied.

    Attributes
    ----------
    format : str
        "PNG", "JPEG", "TIFF", "BigTIFF", ...
    height_px, width_px, channels : int
        As stored; `channels` counts alpha and is 1 for grey, for a palette that is kept as ids, and where channels are a `stack`.
    alpha : bool
        Whether the last channel is alpha.
    dtype : str
        Of the pixels as they are read.
    bits : int
        Per sample in the file.
    orientation : int
        1 to 8 as in EXIF; 1 means upright.
    pixel_size_um : (float, float) or None
        Size (y, x) of a stored pixel, only if credible.
    layout : {"tiled", "strips", "whole"}
        How the pixels lie in the file.
    pages : int
        Pictures in the file.
    decode_bytes : int
        Memory needed to decode the largest piece that is decoded at once.
    notes : tuple of str
        What a person should know of how the file is read.
    part : str
        Which picture of the file it is; only the reader of the format understands it.
    title : str
        The same for people ("page 3", the name of a series); empty for the only picture of a file.
    stack : tuple of (axis, length)
        Leading axes of which each position is a plane of its own, of "t", "c", "z" in this order. Channels are a stack unless
        they are red, green and blue (with or without alpha), or grey with alpha.
    significant_bits : int or None
        Of each sample, where the file says that they are fewer than `bits`.
    nodata : float or None
        The value that stands for "nothing was measured here".
    channel_names, channel_colours : tuple of str
        Names, and colours as six hex digits, of the channels without alpha; empty where the file does not say.
    z_step_um, t_step_s : float or None
        Distance between planes, time between frames.
    icc_profile : bytes or None
        The colour profile as it stands in the file.
    """

    format: str
    height_px: int
    width_px: int
    channels: int
    alpha: bool
    dtype: str
    bits: int
    orientation: int
    pixel_size_um: tuple[float, float] | None
    layout: Layout
    pages: int
    decode_bytes: int
    notes: tuple[str, ...] = ()
    part: str = ""
    title: str = ""
    stack: tuple[tuple[StackAxis, int], ...] = ()
    significant_bits: int | None = None
    nodata: float | None = None
    channel_names: tuple[str, ...] = ()
    channel_colours: tuple[str, ...] = ()
    z_step_um: float | None = None
    t_step_s: float | None = None
    icc_profile: bytes | None = None

    @property
    def planes(self) -> int:
        """Number of planes of the stack; 1 where there is none."""
        return math.prod(length for _, length in self.stack)

    @property
    def declared_bytes(self) -> int:
        """Bytes of all pixels, uncompressed."""
        return self.planes * self.height_px * self.width_px * self.channels * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, slots=True)
class PictureFile:
    """What a file holds, under the answers that were given.

    Attributes
    ----------
    format : str
        That of the file.
    pictures : tuple of RasterHeader
        What an import makes of it, one image each; never empty.
    questions : tuple of Question
        What the file leaves open, whether answered or not.
    notes : tuple of str
        What a person should know of the file as a whole (what was left out, and why).
    """

    format: str
    pictures: tuple[RasterHeader, ...]
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()


class RasterSource(Protocol):
    """An open picture: `shape` (y, x) or (c, y, x) of one plane, `dtype`, and `read` of any box, in that order of axes.

    Several threads may read at once.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a plane, (y, x) for grey and (c, y, x) for colour; alpha, where there is any, is the last channel."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the pixels, in native byte order."""

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        """Return the pixels of `box` in one plane; planes are counted over `RasterHeader.stack`, the last axis fastest."""

    def close(self) -> None:
        """Give back the file."""


def credible_size_um(y_um: float, x_um: float) -> tuple[float, float] | None:
    """Return the size of a pixel if a microscope can have written it: 72 to 600 dpi say nothing about a specimen."""
    plausible = 0 < y_um <= _LARGEST_CREDIBLE_UM and 0 < x_um <= _LARGEST_CREDIBLE_UM
    return (float(y_um), float(x_um)) if plausible else None


def valid_orientation(value: object) -> int:
    """Return an EXIF orientation; whatever is not one of 1 to 8 means upright."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def in_array_order(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return decoded pixels (y, x) or (y, x, c) as (y, x) or (c, y, x); one channel is no channel axis."""
    if pixels.ndim == 3:
        return pixels[..., 0] if pixels.shape[2] == 1 else pixels.transpose(2, 0, 1)
    return pixels


def check_memory(path: Path, needed_bytes: int, memory_bytes: int) -> None:
    """Refuse to decode a piece that does not fit the budget.

    Raises
    ------
    UnsupportedFormat
        The piece is too large.
    """
    if needed_bytes > memory_bytes:
        raise UnsupportedFormat(
            f"{path.name} needs {needed_bytes / 1e9:.2f} GB of memory to be decoded at once, and {memory_bytes / 1e9:.2f} GB are allowed.",
            hint="Save it as a tiled TIFF, which is read piece by piece, or allow more (LABKIT_IMPORTS__MEMORY_MB).",
            path=str(path),
            reason="memory",
        )


def unsupported(path: Path, why: str, hint: str) -> UnsupportedFormat:
    """Return the error for a picture that this version does not read."""
    return UnsupportedFormat(f"{path.name} {why}.", hint=hint, path=str(path))


def unreadable(path: Path, why: str, hint: str = "Open it in the program that made it and save it again.") -> UnreadableImage:
    """Return the error for a picture that cannot be decoded."""
    return UnreadableImage(f"{path.name} cannot be read: {why}.", hint=hint, path=str(path))


def answer_to(question: Question, answers: Mapping[str, str]) -> str:
    """Return the answer given to a question, else its default.

    Raises
    ------
    InvalidInput
        The answer is none of the options.
    """
    answer = answers.get(question.key, question.default)
    if answer not in {option.value for option in question.options}:
        known = ", ".join(option.value for option in question.options)
        raise InvalidInput(f"{answer!r} is no answer to: {question.text}", hint=f"Choose one of {known}.", question=question.key)
    return answer


@contextmanager
def decoder_errors(path: Path) -> Iterator[None]:
    """Turn whatever a decoder says of a broken file into one line; errors of the disk and of LabKit pass."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn of broken tags that do not matter
            yield
    except (LabKitError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise unreadable(path, _one_line(error)) from error
    except Exception as error:  # a decoder may raise anything on a malformed file
        raise unreadable(path, _one_line(error)) from error


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."
