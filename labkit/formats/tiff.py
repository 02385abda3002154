"""TIFF and BigTIFF, with what microscopes, slide scanners and satellites put into them.

The header is read by tifffile; what is decoded is decided here. A *series* is what tifffile calls a set of pages that belong
together. Pixels come from `labkit.formats.tiff_pixels`.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tifffile import TIFF, TiffFile, TiffPage

from labkit.formats.ome_xml import OmeImage, missing_files, ome_images, only_refers_to
from labkit.formats.raster import (
    Option,
    PictureFile,
    Question,
    RasterHeader,
    RasterSource,
    Role,
    StackAxis,
    answer_to,
    credible_size_um,
    unreadable,
    unsupported,
    valid_orientation,
)
from labkit.formats.tiff_pixels import TiffPart, open_tiff_part, piece_shape

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what is wrong with a file is said once, by an error

__all__ = ["open_tiff", "read_tiff"]

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_JPEG_CODES = (6, 7, 34892, 33007)
_MOST_PAGES = 20_000
_SLIDES = ("is_svs", "is_ndpi", "is_scn", "is_philips", "is_bif", "is_avs")
_UM_PER_UNIT = {"nm": 1e-3, "nanometer": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "\\u00b5m": 1.0, "micron": 1.0, "microns": 1.0}
_UM_PER_UNIT |= {"micrometer": 1.0, "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0}
_AXES: dict[str, StackAxis] = {"T": "t", "C": "c", "Z": "z"}
_FEW_ROWS = 16  # fewer pages than this are never taken for the rows of one picture


def read_tiff(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a TIFF; see `labkit.formats.pictures.read_file`."""
    with TiffFile(path) as file:
        if len(file.pages) == 0:
            raise unreadable(path, "it holds no picture")
        if len(file.pages) > _MOST_PAGES:
            raise unsupported(path, f"holds {len(file.pages)} pages, and at most {_MOST_PAGES} are read", "Split it into several files.")
        reading = _Reading(path, file, role, answers)
        return reading.slide() if any(getattr(file, kind, False) for kind in _SLIDES) else reading.pictures()


def open_tiff(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open a picture of a TIFF; see `labkit.formats.pictures.open_raster`."""
    return open_tiff_part(path, TiffPart.parse(header.part), header, role, scratch, memory_bytes)


class _Reading:
    """One TIFF being read."""

    def __init__(self, path: Path, file: TiffFile, role: Role, answers: Mapping[str, str]) -> None:
        self._path, self._file, self._role, self._answers = path, file, role, answers
        self._format = "BigTIFF" if file.is_bigtiff else "TIFF"
        self._size = path.stat().st_size

    def slide(self) -> PictureFile:
        """Return the scan at full size of a slide; its label, which may name a patient, and its overview are never read."""
        series = self._file.series
        main = max(range(len(series)), key=lambda k: series[k].keyframe.imagelength * series[k].keyframe.imagewidth)
        header = self._stack(main, ())
        mpp = re.search(r"\bMPP\s*=\s*([0-9.]+)", str(series[main].keyframe.description or ""))
        if mpp and float(mpp[1]) > 0:
            header = replace(header, pixel_size_um=(float(mpp[1]), float(mpp[1])))
        others = len(series) - 1
        notes = (f"Other pictures in the file (label, overview; {others}) were left out: they may name a patient.",) if others else ()
        return PictureFile(self._format, (header,), (), notes)

    def pictures(self) -> PictureFile:
        """Return the pictures of any other TIFF."""
        if self._file.is_ome and (xml := self._file.ome_metadata):
            return self._ome(ome_images(xml), xml)
        kept, notes = self._without_small_copies()
        question, chosen = self._choice([self._file.series[k].name or f"{k + 1}" for k in kept])
        questions = [question] if question else []
        headers: list[RasterHeader] = []
        for k in (kept[i] for i in chosen):
            more, asked = self._series(k, alone=len(kept) == 1)
            headers += more
            questions += [q for q in asked if q.key not in {known.key for known in questions}]
        return PictureFile(self._format, tuple(headers), tuple(questions), notes)

    def _ome(self, images: Sequence[OmeImage], xml: str) -> PictureFile:
        if master := only_refers_to(xml):
            raise unsupported(self._path, f"only refers to {master}", "Import that file; keep this one beside it.")
        if missing := missing_files(xml, self._path):
            named = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
            raise unreadable(self._path, f"it is part of a set, and {named} is not beside it", "Copy all files of the set into one folder.")
        series = self._file.series
        names = [images[k].name if k < len(images) else "" for k in range(len(series))]
        question, chosen = self._choice([name or f"series {k + 1}" for k, name in enumerate(names)])
        headers = []
        for k in chosen:
            header = self._stack(k, ())
            if k < len(images):
                header = _with_ome(header, images[k])
            headers.append(replace(header, title=(names[k] or f"series {k + 1}") if len(series) > 1 else ""))
        return PictureFile(self._format, tuple(headers), (question,) if question else ())

    def _choice(self, names: list[str]) -> tuple[Question | None, list[int]]:
        """Ask which of several series are wanted, and return those that are."""
        if len(names) == 1:
            return None, [0]
        options = (Option("all", "all of them, an image each"), *(Option(str(k + 1), name) for k, name in enumerate(names)))
        question = Question("series", f"The file holds {len(names)} pictures of different kinds. Which do you want?", options, "all")
        answer = answer_to(question, self._answers)
        return question, list(range(len(names))) if answer == "all" else [int(answer) - 1]

    def _without_small_copies(self) -> tuple[list[int], tuple[str, ...]]:
        """Return the series that are no thumbnails of others."""
        series = self._file.series
        small = [k for k, one in enumerate(series) if len(series) > 1 and one.keyframe.subfiletype & 1]
        kept = [k for k in range(len(series)) if k not in small] or [0]
        left_out = len(series) - len(kept)
        return kept, (f"{left_out} smaller copies in the file were left out.",) if left_out else ()

    def _series(self, number: int, *, alone: bool) -> tuple[list[RasterHeader], list[Question]]:
        """Return the pictures that a series is, and what it leaves open."""
        series = self._file.series[number]
        title = "" if alone else series.name or f"picture {number + 1}"
        lead = _leading(series)
        unknown = [letter for letter, _ in lead if letter not in _AXES]
        pages = math.prod(length for _, length in lead)
        if pages == 1 or not unknown:
            return [replace(self._stack(number, ()), title=title)], []
        keyframe = series.keyframe
        if keyframe.imagewidth in (3, 4) and pages >= _FEW_ROWS and keyframe.samplesperpixel == 1 and len(lead) == 1:
            size = f"{keyframe.imagelength} x {keyframe.imagewidth}"
            text = f"The file holds {pages} pages of {size} pixels. Are they the rows of one colour picture?"
            options = (Option("colour", "yes, one picture in colour"), Option("pages", "no, they are separate pages"))
            colour = Question("colour", text, options, "colour")
            if answer_to(colour, self._answers) == "colour":
                return [replace(self._rows_as_pages(number), title=title)], [colour]
            headers, asked = self._pages(number, title, pages)
            return headers, [colour, *asked]
        return self._pages(number, title, pages)

    def _pages(self, number: int, title: str, pages: int) -> tuple[list[RasterHeader], list[Question]]:
        options = (
            Option("separate", "separate pictures: an image each"),
            Option("z", "a stack in depth (z)"),
            Option("t", "frames in time (t)"),
            Option("c", "channels of one picture (c)"),
            Option("first", "only the first is wanted"),
        )
        question = Question("pages", f"The file holds {pages} pages of the same size. What are they?", options, "separate")
        answer = answer_to(question, self._answers)
        if answer == "first":
            return [replace(self._page(number, 0), title=title, notes=(f"Only the first of {pages} pages was taken.",))], [question]
        if answer == "separate":
            named = [" - ".join(filter(None, (title, f"page {k + 1}"))) for k in range(pages)]
            first = self._page(number, 0)
            return [replace(first, part=TiffPart(number, page=k).text(), title=name) for k, name in enumerate(named)], [question]
        axis = _AXES[answer.upper()]
        return [replace(self._stack(number, ((axis, pages),)), title=title)], [question]

    def _page(self, number: int, page: int) -> RasterHeader:
        series = self._file.series[number]
        header = self._header(series, series.keyframe)
        samples = self._samples_as_stack(series.keyframe)
        return replace(header, part=TiffPart(number, page=page).text(), stack=samples)

    def _stack(self, number: int, stack: tuple[tuple[StackAxis, int], ...]) -> RasterHeader:
        """Return the header of a whole series, its pages along `stack`, by default along the axes that it names."""
        series = self._file.series[number]
        samples = self._samples_as_stack(series.keyframe)
        named: list[tuple[StackAxis, int]] = [(_AXES[letter], n) for letter, n in _leading(series) if letter in _AXES and n > 1]
        unknown = [letter for letter, n in _leading(series) if letter not in _AXES and n > 1]
        if unknown and not stack:
            raise unsupported(self._path, f"has axes that are not known: {', '.join(unknown)}", "Save it with the axes T, C, Z, Y and X.")
        axes = stack or tuple(sorted(named, key=lambda one: "tcz".index(one[0])))
        if samples and any(axis == "c" for axis, _ in axes):
            raise unsupported(self._path, "has channels both as pages and as samples", "Save it with one kind of channels.")
        part = TiffPart(number, order="".join(axis for axis, _ in named) if not stack else "")
        header = self._header(series, series.keyframe)
        return replace(header, part=part.text(), stack=tuple(sorted((*axes, *samples), key=lambda one: "tcz".index(one[0]))))

    def _rows_as_pages(self, number: int) -> RasterHeader:
        series = self._file.series[number]
        rows = math.prod(length for _, length in _leading(series))
        header = self._header(series, series.keyframe)
        height, width, channels = rows, int(series.keyframe.imagelength), int(series.keyframe.imagewidth)
        size = rows * width * channels * np.dtype(header.dtype).itemsize
        return replace(
            header,
            height_px=height,
            width_px=width,
            channels=channels,
            alpha=channels == 4,
            layout="whole",
            decode_bytes=2 * size,
            part=TiffPart(number, rows=True).text(),
            pages=1,
            notes=("Its rows were stored as pages.",),
        )

    def _samples_as_stack(self, page: TiffPage) -> tuple[tuple[StackAxis, int], ...]:
        samples = int(page.samplesperpixel)
        return (("c", samples),) if samples > 1 and not _is_colour(page) and not _is_grey_alpha(page) else ()

    def _header(self, series: Any, page: TiffPage) -> RasterHeader:
        self._check_kind(page)
        self._check_complete(series)
        expanded = page.photometric == _PALETTE and self._role == "image"
        cmyk = page.photometric == _CMYK
        samples = int(page.samplesperpixel)
        alpha = (_is_colour(page) and not cmyk and samples == 4) or _is_grey_alpha(page)
        channels = 3 if expanded or cmyk else 1 if self._samples_as_stack(page) else samples
        dtype = np.dtype(np.uint8 if expanded or page.dtype == np.bool_ else page.dtype).newbyteorder("=")
        piece = math.prod(piece_shape(page)) * np.dtype(page.dtype).itemsize
        return RasterHeader(
            format=self._format,
            height_px=int(page.imagelength),
            width_px=int(page.imagewidth),
            channels=channels,
            alpha=alpha,
            dtype=dtype.name,
            bits=8 if expanded else int(page.bitspersample),
            orientation=valid_orientation(_tag(page, 274)),
            pixel_size_um=self._pixel_size(page),
            layout="tiled" if page.is_tiled else "strips",
            pages=len(self._file.pages),
            decode_bytes=2 * piece,
            notes=self._notes(page, expanded, cmyk),
            significant_bits=_significant_bits(page, dtype),
            nodata=_nodata(page, dtype),
            z_step_um=self._z_step(),
            icc_profile=bytes(_tag(page, 34675)) if isinstance(_tag(page, 34675), bytes) else None,
        )

    def _check_kind(self, page: TiffPage) -> None:
        if not page.imagelength or not page.imagewidth:
            raise unreadable(self._path, "it holds no picture")
        if page.dtype is None or page.imagedepth > 1:
            raise unsupported(self._path, "holds pixels of an unknown kind", "Save it as an 8 or 16 bit TIFF.")
        if page.dtype.kind == "c":
            raise unsupported(self._path, "holds complex numbers", "Save their magnitude, or real and imaginary part, as a picture.")
        if self._role == "labels" and page.dtype.kind not in "uib":
            raise unsupported(self._path, f"holds {page.dtype.name} pixels, and ids are whole numbers", "Save the ids as integers.")
        known = (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR)
        kind = int(page.photometric)
        wrong_cmyk = kind == _CMYK and (page.samplesperpixel != 4 or page.dtype != np.uint8)
        raw_ycbcr = kind == _YCBCR and page.compression not in _JPEG_CODES
        if kind not in known or wrong_cmyk or raw_ycbcr or (kind == _PALETTE and page.samplesperpixel != 1):
            named = getattr(page.photometric, "name", page.photometric)
            raise unsupported(self._path, f"is a TIFF of the kind {named} with {page.samplesperpixel} channels", "Save it as grey or RGB.")
        if page.compression != 1 and page.compression not in TIFF.DECOMPRESSORS:
            named = getattr(page.compression, "name", page.compression)
            raise unsupported(self._path, f"is compressed by {named}, which is not read", "Save it with LZW, deflate or no compression.")

    def _check_complete(self, series: Any) -> None:
        if series.dataoffset is not None:
            if series.dataoffset + series.nbytes > self._size and series.keyframe.parent is self._file:
                raise unreadable(self._path, "it is cut short")
            return
        for page in series.pages:
            if page is None or page.parent is not self._file:
                continue
            offsets, counts = page.dataoffsets, page.databytecounts
            if len(offsets) < len(counts) or any(o + c > self._size for o, c in zip(offsets, counts, strict=False)):
                raise unreadable(self._path, "it is cut short")

    def _notes(self, page: TiffPage, expanded: bool, cmyk: bool) -> tuple[str, ...]:
        notes = []
        if expanded:
            notes.append("A palette was expanded to colours.")
        if cmyk:
            notes.append("CMYK was turned into RGB.")
        if page.photometric == _WHITE_IS_ZERO and self._role == "image":
            notes.append("White was stored as 0; it is shown as white.")
        if _tag(page, 34675) is not None:
            notes.append("Its colour profile is kept, and colours are not converted.")
        return tuple(notes)

    def _pixel_size(self, page: TiffPage) -> tuple[float, float] | None:
        """Return the size (y, x) of a pixel by the geographic or ImageJ tags, or by the resolution, whichever says it best."""
        if page.is_geotiff:
            return _geo_size(page)
        x, y = (_per_unit(_tag(page, code)) for code in (282, 283))
        if not x or not y:
            return None
        if self._file.is_imagej:
            unit = _UM_PER_UNIT.get(str((self._file.imagej_metadata or {}).get("unit", "")).lower())
        else:
            unit = {2: 25400.0, 3: 10000.0}.get(int(_tag(page, 296) or 2))  # inch, centimetre
        return credible_size_um(unit / y, unit / x) if unit else None

    def _z_step(self) -> float | None:
        found = (self._file.imagej_metadata or {}) if self._file.is_imagej else {}
        unit = _UM_PER_UNIT.get(str(found.get("unit", "")).lower())
        spacing = found.get("spacing")
        return float(spacing) * unit if unit and isinstance(spacing, (int, float)) and spacing > 0 else None


def _leading(series: Any) -> list[tuple[str, int]]:
    """Return the axes of a series that lie across pages, as (letter, length)."""
    inside = {"Y", "X", "S"} if series.keyframe.samplesperpixel > 1 else {"Y", "X"}
    return [(letter, int(n)) for letter, n in zip(series.axes, series.shape, strict=True) if letter not in inside]


def _is_colour(page: TiffPage) -> bool:
    """Return whether its samples are red, green, blue and perhaps alpha (or can be turned into them)."""
    samples, kind = int(page.samplesperpixel), int(page.photometric)
    if kind == _CMYK:
        return samples == 4
    if kind not in (_RGB, _YCBCR):
        return False
    return samples == 3 or (samples == 4 and _extra_sample(page) in (None, 1, 2))


def _is_grey_alpha(page: TiffPage) -> bool:
    return int(page.photometric) in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) and page.samplesperpixel == 2 and _extra_sample(page) in (1, 2)


def _extra_sample(page: TiffPage) -> int | None:
    """Return what the last sample is: 1 or 2 alpha, 0 something else, None where the file does not say."""
    value = _tag(page, 338)
    if value is None:
        return None
    return int(value[-1]) if isinstance(value, (tuple, list)) else int(value)


def _tag(page: TiffPage, code: int) -> Any:
    tag = page.tags.get(code)
    return None if tag is None else tag.value


def _significant_bits(page: TiffPage, dtype: np.dtype[Any]) -> int | None:
    if dtype.kind not in "iu":
        return None
    bits = int(page.bitspersample)
    if 0 < bits < 8 * dtype.itemsize:
        return bits
    highest = _tag(page, 281)
    highest = highest[0] if isinstance(highest, (tuple, list)) and highest else highest
    found = int(highest).bit_length() if isinstance(highest, int) and highest > 0 else 8 * dtype.itemsize
    return found if found < 8 * dtype.itemsize and dtype.itemsize > 1 else None


def _nodata(page: TiffPage, dtype: np.dtype[Any]) -> float | None:
    """Return the value of GDAL's nodata tag, if a pixel can have it."""
    text = _tag(page, 42113)
    try:
        value = float(str(text).strip("\x00 "))
    except ValueError:
        return None
    if dtype.kind == "f":
        return value
    limits = np.iinfo(dtype)
    return value if math.isfinite(value) and value == int(value) and limits.min <= value <= limits.max else None


def _geo_size(page: TiffPage) -> tuple[float, float] | None:
    """Return the size of a pixel on the ground, where the map's unit is the metre."""
    tags = page.geotiff_tags or {}
    scale = tags.get("ModelPixelScale")
    projected = int(tags.get("GTModelTypeGeoKey", 0) or 0) == 1
    metre = int(tags.get("ProjLinearUnitsGeoKey", 9001) or 9001) == 9001
    if not scale or not projected or not metre:
        return None
    x, y = float(scale[0]), float(scale[1])
    return (y * 1e6, x * 1e6) if x > 0 and y > 0 else None


def _per_unit(value: Any) -> float | None:
    try:
        return float(value[0] / value[1])
    except (TypeError, ZeroDivisionError, IndexError):
        return None


def _with_ome(header: RasterHeader, image: OmeImage) -> RasterHeader:
    names = tuple(c.name for c in image.channels)
    colours = tuple(c.colour for c in image.channels)
    count = dict(header.stack).get("c", header.channels - header.alpha)
    return replace(
        header,
        pixel_size_um=image.pixel_size_um or None,
        z_step_um=image.z_step_um,
        t_step_s=image.t_step_s,
        significant_bits=image.significant_bits or header.significant_bits,
        channel_names=names if len(names) == count and any(names) else (),
        channel_colours=colours if len(colours) == count and all(colours) else (),
    )
