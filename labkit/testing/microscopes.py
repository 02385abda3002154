"""Small files of microscopes, written by code: CZI, LIF and ND2 as far as their readers look at them.

No real file of these kinds is free to be shipped; what these lack, docs/formats.md says.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CziPiece", "write_czi", "write_lif", "write_nd2"]

_CZI_KINDS = {("uint8", 1): 0, ("uint16", 1): 1, ("float32", 1): 2, ("uint8", 3): 3, ("uint16", 3): 4}
_LIF_AXES = {"X": 1, "Y": 2, "Z": 3, "T": 4}
_LIF_UNITS = {"X": "m", "Y": "m", "Z": "m", "T": "s"}
_ND2_MAGIC = 0x0ABECEDA
_ND2_NAME_BYTES = 4072  # so that pixels, behind a head of 16 bytes and a time of 8, begin at 4096
_BOOL, _UINT32, _DOUBLE, _STRING, _LEVEL = 1, 3, 6, 8, 11
_EMPTY_OPTICS: dict[str, Any] = {"pFluorescentProbe": {"m_uiSpectrumSize": 0}, "pFilterPath": {"m_uiCount": 0}}
CziPiece = tuple[dict[str, int], bytes, tuple[int, ...], str, int]


def write_czi(path: Path, pieces: Sequence[CziPiece], *, xml: str = "<ImageDocument/>") -> Path:
    """Write a CZI.

    Parameters
    ----------
    path : Path
        The file.
    pieces : sequence of (starts, data, shape, dtype, compression)
        Where each piece begins by axis ("X", "Y", "C", "Z", "T", "S", "M"), its packed pixels (colours in the order blue, green,
        red), its shape (y, x) or (y, x, 3), its dtype, and the number of the compression.
    xml : str
        Metadata.
    """
    data = bytearray(_czi_segment("ZISRAWFILE", bytes(480)))
    entries = []
    for starts, packed, shape, dtype, compression in pieces:
        entry = _czi_entry(starts, shape, dtype, compression, len(data))
        entries.append(entry)
        head = struct.pack("<iiq", 0, 0, len(packed)) + entry
        data += _czi_segment("ZISRAWSUBBLOCK", head + bytes(max(240 - len(entry), 0)) + packed)
    directory = len(data)
    data += _czi_segment("ZISRAWDIRECTORY", struct.pack("<i124x", len(entries)) + b"".join(entries))
    metadata = len(data)
    data += _czi_segment("ZISRAWMETADATA", struct.pack("<ii248x", len(xml.encode()), 0) + xml.encode())
    data[32 : 32 + 80] = struct.pack("<iiii16s16siqqiq", 1, 0, 0, 0, bytes(16), bytes(16), 0, directory, metadata, 0, 0)
    path.write_bytes(bytes(data))
    return path


def _czi_segment(name: str, body: bytes) -> bytes:
    room = -(-len(body) // 32) * 32
    return struct.pack("<16sqq", name.encode(), room, len(body)) + body.ljust(room, b"\0")


def _czi_entry(starts: dict[str, int], shape: tuple[int, ...], dtype: str, compression: int, position: int) -> bytes:
    sizes = {"X": shape[1], "Y": shape[0]}
    samples = shape[2] if len(shape) == 3 else 1
    dimensions = {"X": 0, "Y": 0, **starts}
    head = struct.pack("<2siqiiBB4si", b"DV", _CZI_KINDS[dtype, samples], position, 0, compression, 0, 0, bytes(4), len(dimensions))
    body = (struct.pack("<4siifi", axis.encode(), start, sizes.get(axis, 1), 0.0, 0) for axis, start in dimensions.items())
    return head + b"".join(body)


def write_lif(path: Path, images: Sequence[tuple[str, str, NDArray[Any]]], *, pixel_size_um: float = 0.5, z_step_um: float = 2.0) -> Path:
    """Write a LIF.

    Parameters
    ----------
    path : Path
        The file.
    images : sequence of (name, axes, pixels)
        Axes such as "TZCYX" or "YXS" (red, green, blue), in the order of the array.
    pixel_size_um, z_step_um : float
        Steps along y and x, and along z.
    """
    steps = {"X": pixel_size_um * 1e-6, "Y": pixel_size_um * 1e-6, "Z": z_step_um * 1e-6, "T": 1.5}
    elements, blocks = [], []
    for number, (name, axes, pixels) in enumerate(images):
        raw = np.ascontiguousarray(pixels).tobytes()
        elements.append(_lif_element(name, axes, pixels, f"MemBlock_{number}", len(raw), steps))
        block = f"MemBlock_{number}".encode("utf-16-le")
        blocks.append(struct.pack("<IIBQBI", 0x70, len(block) + 14, 0x2A, len(raw), 0x2A, len(block) // 2) + block + raw)
    xml = f'<LMSDataContainerHeader Version="2"><Element Name="{path.name}"><Children>{"".join(elements)}</Children></Element>'
    text = (xml + "</LMSDataContainerHeader>").encode("utf-16-le")
    path.write_bytes(struct.pack("<IIBI", 0x70, len(text) + 5, 0x2A, len(text) // 2) + text + b"".join(blocks))
    return path


def _lif_element(name: str, axes: str, pixels: NDArray[Any], block: str, size: int, steps: dict[str, float]) -> str:
    strides = dict(zip(axes, np.ascontiguousarray(pixels).strides, strict=True))
    lengths = dict(zip(axes, pixels.shape, strict=True))
    described = "".join(
        f'<DimensionDescription DimID="{_LIF_AXES[axis]}" NumberOfElements="{lengths[axis]}" Origin="0" '
        f'Length="{steps[axis] * (lengths[axis] - 1)}" Unit="{_LIF_UNITS[axis]}" BytesInc="{strides[axis]}" BitInc="0"/>'
        for axis in "XYZT"
        if axis in axes
    )
    axis = "S" if "S" in axes else "C"
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="{k + 1 if axis == "S" else 0}" Resolution="{8 * pixels.dtype.itemsize}" '
        f'NameOfMeasuredQuantity="" Min="0" Max="1" Unit="" LUTName="{("Red", "Green", "Blue", "Gray")[k % 4]}" IsLUTInverted="0" '
        f'BytesInc="{k * strides.get(axis, 0)}" BitInc="0"/>'
        for k in range(lengths.get(axis, 1))
    )
    return (
        f'<Element Name="{name}"><Data><Image><ImageDescription><Channels>{channels}</Channels><Dimensions>{described}</Dimensions>'
        f'</ImageDescription></Image></Data><Memory Size="{size}" MemoryBlockID="{block}"/></Element>'
    )


def write_nd2(path: Path, frames: NDArray[Any], *, channels: Sequence[str], significant_bits: int, pixel_size_um: float = 0.25) -> Path:
    """Write an ND2 of frames (t, y, x, c), each of which holds all channels."""
    count, height, width, parts = frames.shape
    bits = 8 * frames.dtype.itemsize
    attributes = _level(
        "SLxImageAttributes",
        uiWidth=width,
        uiHeight=height,
        uiWidthBytes=width * parts * frames.dtype.itemsize,
        uiComp=parts,
        uiBpcInMemory=bits,
        uiBpcSignificant=significant_bits,
        uiSequenceCount=count,
        uiTileWidth=width,
        uiTileHeight=height,
        eCompression=2,
    )
    planes = {f"a{k}": {"sDescription": name, "uiCompCount": 1, "uiColor": 255, **_EMPTY_OPTICS} for k, name in enumerate(channels)}
    metadata = _level(
        "SLxPictureMetadata",
        dCalibration=pixel_size_um,
        dAspect=1.0,
        bCalibrated=True,
        sPicturePlanes={"uiCount": len(channels), "uiCompCount": parts, "sPlaneNew": planes},
    )
    loop = _level("SLxExperiment", eType=1, uLoopPars={"uiCount": count, "dPeriod": 1500.0, "dStart": 0.0, "dDuration": 1500.0 * count})
    chunks = {b"ImageAttributesLV!": attributes, b"ImageMetadataSeqLV|0!": metadata, b"ImageMetadataLV!": loop}
    chunks |= {f"ImageDataSeq|{k}!".encode(): bytes(8) + np.ascontiguousarray(frame).tobytes() for k, frame in enumerate(frames)}
    signature = b"ND2 FILE SIGNATURE CHUNK NAME01!"
    data = bytearray(struct.pack("<IIQ32s64s", _ND2_MAGIC, 32, 64, signature, b"Ver3.0"))
    places = b""
    for name, body in chunks.items():
        places += name + struct.pack("<QQ", len(data), len(body))
        data += struct.pack("<IIQ", _ND2_MAGIC, _ND2_NAME_BYTES, len(body)) + name.ljust(_ND2_NAME_BYTES, b"\0") + body
    at = len(data)
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", at)
    filemap = b"ND2 FILEMAP SIGNATURE NAME 0001!"
    data += struct.pack("<IIQ", _ND2_MAGIC, len(filemap), len(places) + len(end)) + filemap + places + end
    path.write_bytes(bytes(data))
    return path


def _level(name: str, **values: Any) -> bytes:
    return _variant(name, values)


def _variant(name: str, value: Any) -> bytes:
    """Return a value as a record: kind, name, content."""
    kind, body = _content(value)
    text = (name + "\0").encode("utf-16-le")
    head = struct.pack("<BB", kind, len(name) + 1) + text
    if kind != _LEVEL:
        return head + body
    return head + struct.pack("<IQ", len(value), len(head) + 12 + len(body)) + body + bytes(8 * len(value))


def _content(value: Any) -> tuple[int, bytes]:
    match value:
        case bool():
            return _BOOL, struct.pack("<B", value)
        case int():
            return _UINT32, struct.pack("<I", value)
        case float():
            return _DOUBLE, struct.pack("<d", value)
        case str():
            return _STRING, (value + "\0").encode("utf-16-le")
        case _:
            return _LEVEL, b"".join(_variant(name, inner) for name, inner in value.items())
