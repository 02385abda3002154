"""Networks of segmentation-models-pytorch, by the name ``smp:<decoder>:<encoder>``: random weights, nothing fetched.

There are hundreds of pairs, so what LabKit must know of one is measured when it is asked for.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from labkit.errors import InvalidInput, MissingDependency
from labkit.training.blueprint import Architecture
from labkit.training.reach import measured_halo, smallest_batch, smallest_piece

__all__ = ["SMP_PREFIX", "smp_architecture"]

SMP_PREFIX = "smp:"
_CONTEXT_PX = 128  # around a tile, for a network that sees the whole picture anyway
_CHANNELS = 3


def smp_architecture(name: str) -> Architecture:
    """Return what is known of ``smp:<decoder>:<encoder>``.

    Raises
    ------
    MissingDependency
        segmentation-models-pytorch is not installed.
    InvalidInput
        The name has another form, there is no such decoder or encoder, or the two do not go together.
    """
    return _measured(name)


@lru_cache(maxsize=16)
def _measured(name: str) -> Architecture:
    decoder, encoder = _parsed(name)

    def build(channels: int, outputs: int) -> nn.Module:
        return _build(name, decoder, encoder, channels, outputs)

    with torch.device("meta"):
        outline = build(_CHANNELS, 2)
    stride_px = int(getattr(outline.encoder, "output_stride", 32))
    smallest_px = smallest_piece(outline, channels=_CHANNELS, stride_px=stride_px)
    if smallest_px is None:
        raise InvalidInput(f"{name} takes pictures of one fixed size only.", hint="Choose a convolutional encoder, such as resnet18.")
    min_px = smallest_px
    min_batch = smallest_batch(outline, channels=_CHANNELS, side_px=min_px)
    if min_batch > 1 and smallest_batch(outline, channels=_CHANNELS, side_px=2 * min_px) == 1:
        min_px, min_batch = 2 * min_px, 1  # only the coarsest level of the smallest piece was a single value
    state = torch.random.get_rng_state()
    halo_px = measured_halo(build(_CHANNELS, 2), channels=_CHANNELS, stride_px=stride_px, height_px=smallest_px)
    torch.random.set_rng_state(state)  # looking at a network must not change what is drawn afterwards
    return Architecture(
        name=name,
        about=f"segmentation-models-pytorch: {decoder} on {encoder}.",
        family="smp",
        stride_px=stride_px,
        halo_px=-(-_CONTEXT_PX // stride_px) * stride_px if halo_px is None else halo_px,
        tile_invariant=halo_px is not None,
        min_batch=min_batch,
        min_px=min_px,
        encoder_prefix="encoder.",
        builder=build,
        extra="smp",
    )


def _parsed(name: str) -> tuple[str, str]:
    library = _library()
    decoder, _, encoder = name.removeprefix(SMP_PREFIX).partition(":")
    decoders = sorted(library.MODEL_ARCHITECTURES_MAPPING)
    if not encoder:
        raise InvalidInput(f"{name!r} is no name of a network.", hint="Write smp:<decoder>:<encoder>, such as smp:unet:resnet18.")
    if decoder not in decoders:
        raise InvalidInput(f"segmentation-models-pytorch has no decoder {decoder!r}.", hint="Known: " + ", ".join(decoders) + ".")
    known = library.encoders.get_encoder_names()
    if encoder not in known and not encoder.startswith("tu-"):
        raise InvalidInput(
            f"segmentation-models-pytorch has no encoder {encoder!r}.",
            hint="Such as resnet18, resnet34, mobilenet_v2 or timm's by tu-<name>; all: " + ", ".join(known[:40]) + ", ...",
        )
    return decoder, encoder


def _build(name: str, decoder: str, encoder: str, channels: int, outputs: int) -> nn.Module:
    try:
        module: nn.Module = _library().create_model(
            decoder, encoder_name=encoder, encoder_weights=None, in_channels=channels, classes=outputs
        )
    except MissingDependency:
        raise
    except Exception as error:  # the library, and timm below it, raise many kinds for pairs that do not go together
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InvalidInput(f"{name} cannot be built: {first}", hint="Choose another decoder or encoder.") from error
    return module


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own imports
            import segmentation_models_pytorch
    except ImportError as error:
        raise MissingDependency(
            "Networks named smp:... need segmentation-models-pytorch, which is not installed.", hint="pip install 'labkit-studio[smp]'"
        ) from error
    return segmentation_models_pytorch
