"""The network that a training begins with: drawn from the seed, its encoder perhaps from a file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from labkit.errors import InvalidInput
from labkit.formats.checkpoint import load_foreign_weights
from labkit.storage import Record
from labkit.training.architectures import architecture_named
from labkit.training.blueprint import Architecture
from labkit.training.config import TrainPlan
from labkit.training.encoders import encoder_file

__all__ = ["TakenWeights", "check_encoder", "new_network", "take_encoder"]

_MIN_SHARE = 0.9
_WRAPPERS = ("module.", "model.", "net.", "backbone.", "encoder.", "features.", "state_dict.")


class TakenWeights(Record):
    """What became of an encoder's file.

    Attributes
    ----------
    taken, wanted : int
        Tensors that were taken, and that the network's encoder has.
    adapted : str
        The first convolution, if its channels were others; "" otherwise.
    missing : tuple of str
        Tensors of the encoder that the file does not have: they keep the values drawn from the seed.
    """

    taken: int
    wanted: int
    adapted: str
    missing: tuple[str, ...]

    @property
    def line(self) -> str:
        """One line for a person."""
        text = f"{self.taken} of the {self.wanted} tensors of the encoder come from the file"
        return text + (f"; {self.adapted} was adapted to the channels." if self.adapted else ".")


def new_network(plan: TrainPlan) -> nn.Module:
    """Return the plan's network on the CPU: weights from torch's random state, then those of the encoder, if the plan has one.

    Raises
    ------
    InvalidInput, NotFound, CorruptStore
        The encoder's file is not there, not what it was, or does not fit.
    """
    architecture = architecture_named(plan.architecture)
    module = architecture.build(plan.channels, len(plan.outputs))
    if plan.encoder is not None:
        take_encoder(module, architecture, encoder_file(plan.encoder))
    return module


def check_encoder(architecture: Architecture, channels: int, file: Path) -> TakenWeights:
    """Return what would be taken of an encoder's file, or refuse it; raises as `take_encoder`."""
    return _chosen(architecture.outline(channels, 2), architecture, file)[0]


def take_encoder(module: nn.Module, architecture: Architecture, file: Path) -> TakenWeights:
    """Give a network the encoder of a file.

    The file may hold the encoder alone, or a whole network of the same kind; its tensors are found by name and shape. Where
    only the channels of the first convolution differ, it gets the mean over those of the file, repeated, and scaled so that a grey
    picture is answered as before.

    Raises
    ------
    InvalidInput
        Less than nine in ten of the encoder's tensors are in the file. Never a start from chance that nobody asked for.
    CorruptStore
        The file holds no tensors that can be read without executing code.
    """
    report, values = _chosen(module, architecture, file)
    with torch.no_grad():
        own = module.state_dict()
        for name, value in values.items():
            own[name].copy_(value)
    return report


def _chosen(module: nn.Module, architecture: Architecture, file: Path) -> tuple[TakenWeights, dict[str, Tensor]]:
    prefix = architecture.encoder_prefix
    wanted = {name: t for name, t in module.state_dict().items() if name.startswith(prefix) and t.is_floating_point()}
    first = next(name for name, t in wanted.items() if t.ndim == 4)
    best: dict[str, Tensor] = {}
    for names in _readings(load_foreign_weights(file)):
        values = {name: names[name[len(prefix) :]] for name in wanted if name[len(prefix) :] in names}
        fitting = {name: value for name, value in values.items() if _fits(value, wanted[name], name == first)}
        best = max(best, fitting, key=len)
    if len(best) < _MIN_SHARE * len(wanted) or first not in best:
        lacking = next(name for name in wanted if name not in best) if len(best) < len(wanted) else first
        raise InvalidInput(
            f"{file.name} does not fit {architecture.name}: it has {len(best)} of the {len(wanted)} tensors of the encoder.",
            hint=f"Take an encoder of the same kind; missing first: {lacking}.",
        )
    adapted = first if best[first].shape != wanted[first].shape else ""
    best[first] = _with_channels(best[first], wanted[first].shape[1])
    missing = tuple(name for name in wanted if name not in best)
    return TakenWeights(taken=len(best), wanted=len(wanted), adapted=adapted, missing=missing), best


def _readings(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """Return the file's tensors by the names that they may have inside an encoder: wrappers around it are taken off, one by one."""
    readings, queue = [tensors], [tensors]
    while queue:
        names = queue.pop()
        for wrapper in (*_WRAPPERS, "down."):
            inner = {name.removeprefix(wrapper): t for name, t in names.items() if name.startswith(wrapper)}
            if inner:
                readings.append(inner)
                queue.append(inner)
    return readings


def _fits(value: Tensor, wanted: Tensor, is_first: bool) -> bool:
    if value.shape == wanted.shape:
        return True
    return is_first and value.ndim == 4 and (value.shape[0], *value.shape[2:]) == (wanted.shape[0], *wanted.shape[2:])


def _with_channels(kernel: Tensor, channels: int) -> Tensor:
    if kernel.shape[1] == channels:
        return kernel
    return kernel.mean(dim=1, keepdim=True).repeat(1, channels, 1, 1) * (kernel.shape[1] / channels)
