"""Weights as safetensors, and the state to go on from; nothing here can run code from a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from labkit.errors import CorruptStore, NotFound
from labkit.storage import explain_os_errors, write_bytes

__all__ = ["load_foreign_weights", "load_resume_state", "load_weights", "save_resume_state", "save_weights"]


def save_weights(path: Path, state: dict[str, torch.Tensor]) -> None:
    """Write a ``state_dict`` as safetensors, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    write_bytes(path, safetensors.torch.save(tensors))


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read weights that `save_weights` wrote, on the CPU.

    Raises
    ------
    NotFound, CorruptStore
        There is no such file, or it is not safetensors.
    """
    data = _read(path)
    try:
        return safetensors.torch.load(data)
    except Exception as error:  # the library raises its own type for each of many faults
        raise CorruptStore(f"{path} holds no weights that can be read.", hint="Train the model again.", path=str(path)) from error


def save_resume_state(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers and strings that a training goes on from, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_bytes(path, buffer.getvalue())


def load_resume_state(path: Path) -> dict[str, Any]:
    """Read what `save_resume_state` wrote; only tensors and plain values are accepted.

    Raises
    ------
    NotFound, CorruptStore
        There is no such file, or it holds something else.
    """
    data = _read(path)
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        raise CorruptStore(f"{path} holds no state to go on from.", hint="Start the training anew.", path=str(path)) from error
    return state


def load_foreign_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a file that others made, by name: safetensors, or a ``state_dict`` that torch saved.

    A nested dict is flattened (``state_dict.conv1.weight``); what is no tensor is left out.

    Raises
    ------
    NotFound, CorruptStore
        There is no such file; or it holds no tensors, or something that could only be read by executing code.
    """
    data = _read(path)
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load(data)
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        hint = "Only safetensors, and state_dicts of plain tensors, are read: nothing that can carry code."
        raise CorruptStore(f"{path} holds no weights that can be read.", hint=hint, path=str(path)) from error
    tensors = dict(_flat(found)) if isinstance(found, dict) else {}
    if not tensors:
        raise CorruptStore(f"{path} holds no tensors by name.", hint="Save the state_dict of the network.", path=str(path))
    return tensors


def _flat(values: dict[Any, Any], prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    for name, value in values.items():
        if isinstance(value, torch.Tensor):
            yield f"{prefix}{name}", value
        elif isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")


def _read(path: Path) -> bytes:
    with explain_os_errors(path):
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"{path} does not exist.", hint="Check the path.", path=str(path)) from error
