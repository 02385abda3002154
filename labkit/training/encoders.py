"""Pretrained encoders, only from files: where one lies, what may be done with it, and whether it fits the network.

LabKit never fetches weights from a hub of models. An encoder is a file of this machine, an object of the course's own store, or a
file that the admin has put into a folder (``LABKIT_ENCODERS``), beside a small JSON file with its SHA-256, licence and source.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from labkit.config import LibrarySettings, cache_dir
from labkit.errors import CorruptStore, InvalidInput, LabKitError, NotFound
from labkit.events import CancelToken, ignore_events
from labkit.storage import EncoderFolder, Record, explain_os_errors, fetch_object, file_sha256, is_remote, load_record

__all__ = ["CachedEncoder", "Encoder", "EncoderLabel", "encoder_file", "list_encoders", "resolve_encoder"]

_MAX_BYTES = 8 * 10**9


class EncoderLabel(Record):
    """``<name>.json`` beside an encoder in the admin's folder.

    Attributes
    ----------
    sha256 : str
        Of the file with the weights.
    licence : str
        Under which it may be used: an SPDX identifier where there is one.
    source : str
        Where it comes from: an address, a paper, the data it was trained on.
    about : str
        One line for a person who chooses.
    """

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    licence: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    about: str = ""


class Encoder(Record):
    """Which weights a training begins from; stands in the plan and in the model's card."""

    name: str
    sha256: str
    licence: str
    source: str
    address: str


class CachedEncoder(Record):
    """One encoder of the admin's folder. `fault` says why it cannot be used; "" if it can, as far as one sees without reading it."""

    name: str
    path: str
    size_bytes: int
    licence: str
    source: str
    about: str
    sha256: str
    state: Literal["ok", "fault"]
    fault: str


def list_encoders(*, check: bool = False) -> tuple[CachedEncoder, ...]:
    """Return the encoders of the admin's folder, by name; none where there is no such folder.

    Parameters
    ----------
    check : bool
        Read each file, and compare it with its SHA-256.
    """
    folder = _folder()
    return () if folder is None else tuple(_looked_at(folder, name, check) for name in folder.names())


def resolve_encoder(weights: str | None, *, sha256: str | None, licence: str) -> Encoder | None:
    """Find an encoder, check its hash and its licence; None where none was asked for.

    Parameters
    ----------
    weights : str or None
        A name in the admin's folder, a path, or an ``s3://`` address.
    sha256 : str or None
        What the file must hash to. The label of the admin's folder says so itself; an object on a store must be given it.
    licence : str
        Under which it may be used; needed where no label says so.

    Raises
    ------
    NotFound
        There is no such file, object or name; the hint lists the names that there are.
    InvalidInput
        The licence is missing, or the hash of an object on a store; or a label says otherwise.
    CorruptStore
        The file is not the one that its hash names.
    """
    if weights is None:
        return None
    folder = _folder()
    if folder is not None and weights in folder.names():
        return _from_cache(folder, weights, sha256, licence)
    path = Path(weights).expanduser()
    if not is_remote(weights) and not path.is_file():
        raise NotFound(f"There is no encoder {weights!r}.", hint=_known(folder), name=weights)
    if not licence:
        raise InvalidInput(
            f"Nobody says under which licence {weights} may be used.", hint="Say the licence of the encoder, such as BSD-3-Clause."
        )
    if is_remote(weights):
        if sha256 is None:
            raise InvalidInput(
                f"{weights} needs its SHA-256.", hint="Give the SHA-256 of the encoder: an object of that name may be another tomorrow."
            )
        encoder = Encoder(name=weights.rpartition("/")[2], sha256=sha256, licence=licence, source=weights, address=weights)
        encoder_file(encoder)
        return encoder
    found = file_sha256(path)
    _compare(path, found, sha256 or found)
    return Encoder(name=path.name, sha256=found, licence=licence, source=str(path.absolute()), address=str(path.absolute()))


def encoder_file(encoder: Encoder) -> Path:
    """Return the encoder's file on this machine, checked by its hash; an object on a store is read once, through the local cache.

    Raises
    ------
    NotFound, StorageUnreachable
        It is not where it was.
    CorruptStore
        It is not the file that it was.
    """
    if is_remote(encoder.address):
        return _through_cache(encoder)
    path = Path(encoder.address)
    with explain_os_errors(path):
        if not path.is_file():
            raise NotFound(f"The encoder {path} does not exist.", hint="Put it back, or train without it.", path=str(path))
        _compare(path, file_sha256(path), encoder.sha256)
    return path


def _through_cache(encoder: Encoder) -> Path:
    target = EncoderFolder(cache_dir() / "encoders").fetched(encoder.sha256, Path(encoder.address).suffix)
    if target.is_file() and file_sha256(target) == encoder.sha256:
        return target
    with explain_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            incoming = Path(scratch) / target.name
            fetch_object(encoder.address, incoming, room_bytes=_MAX_BYTES, on_event=ignore_events, cancel=CancelToken())
            _compare(Path(encoder.address), file_sha256(incoming), encoder.sha256)
            os.replace(incoming, target)
    return target


def _from_cache(folder: EncoderFolder, name: str, sha256: str | None, licence: str) -> Encoder:
    label = _label(folder, name)
    if licence and licence != label.licence:
        raise InvalidInput(f"The licence of {name} is {label.licence}, not {licence}.", hint="Leave the licence of the encoder out.")
    path = folder.weights(name)
    _compare(path, file_sha256(path), label.sha256)
    _compare(path, label.sha256, sha256 or label.sha256)
    return Encoder(name=name, sha256=label.sha256, licence=label.licence, source=label.source, address=str(path.absolute()))


def _label(folder: EncoderFolder, name: str) -> EncoderLabel:
    try:
        return load_record(folder.label(name), EncoderLabel)
    except NotFound as error:
        raise InvalidInput(
            f"The encoder {name} has no label: nobody says what may be done with it.",
            hint=f"Let the admin write {folder.label(name)} with sha256, licence and source.",
        ) from error


def _looked_at(folder: EncoderFolder, name: str, check: bool) -> CachedEncoder:
    path, fault, label = folder.weights(name), "", None
    try:
        label = _label(folder, name)
        if check:
            _compare(path, file_sha256(path), label.sha256)
    except LabKitError as error:
        fault = error.message
    return CachedEncoder(
        name=name,
        path=str(path),
        size_bytes=path.stat().st_size,
        licence=label.licence if label else "",
        source=label.source if label else "",
        about=label.about if label else "",
        sha256=label.sha256 if label else "",
        state="fault" if fault else "ok",
        fault=fault,
    )


def _folder() -> EncoderFolder | None:
    root = LibrarySettings().encoders
    return EncoderFolder(root.expanduser()) if root is not None and root.expanduser().is_dir() else None


def _known(folder: EncoderFolder | None) -> str:
    if folder is None or not folder.names():
        return "Give the path of a file; or ask the admin for one: 'labkit model encoders' lists those there are."
    return f"'labkit model encoders' lists those there are: {', '.join(folder.names())}."


def _compare(path: Path, found: str, wanted: str) -> None:
    if found != wanted:
        raise CorruptStore(
            f"{path} is not the encoder that it should be: its SHA-256 is {found[:12]}..., not {wanted[:12]}...",
            hint="Get the file again, or correct the hash.",
            path=str(path),
        )
