"""torchvision's segmentation networks: any number of channels, random weights, nothing fetched.

torchvision is imported when a network is built. Both `weights` and `weights_backbone` are None: with the first alone it would fetch
a pretrained backbone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from labkit.errors import MissingDependency
from labkit.training.blueprint import Architecture

_MOMENTUM = 0.1

__all__ = ["TORCHVISION_NETS", "LogitsOnly", "with_channels"]


class LogitsOnly(nn.Module):
    """A network that answers with a dict, made to give the logits alone."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels_NCHW: Tensor) -> Tensor:
        """Return logits (N, outputs, H, W)."""
        logits: Tensor = self.net(pixels_NCHW)["out"]
        return logits


def with_channels(net: nn.Module, channels: int) -> nn.Module:
    """Replace the first convolution by one of other channels, if they differ; it gets weights of its own."""
    path, first = next((name, m) for name, m in net.named_modules() if isinstance(m, nn.Conv2d))
    if first.in_channels != channels:
        parent_path, _, name = path.rpartition(".")
        wide = nn.Conv2d(
            channels,
            first.out_channels,
            first.kernel_size,  # type: ignore[arg-type]
            first.stride,  # type: ignore[arg-type]
            first.padding,  # type: ignore[arg-type]
            first.dilation,  # type: ignore[arg-type]
            bias=first.bias is not None,
        )
        nn.init.kaiming_normal_(wide.weight, mode="fan_out", nonlinearity="relu")  # as torchvision does for the one it replaces
        setattr(net.get_submodule(parent_path), name, wide)
    return net


def _build(name: str, channels: int, outputs: int) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own imports
            from torchvision.models import segmentation
    except ImportError as error:
        raise MissingDependency(
            "This network needs torchvision, which is not installed.", hint="pip install 'labkit-studio[train]'"
        ) from error
    make: Callable[..., nn.Module] = getattr(segmentation, name)
    net = with_channels(make(weights=None, weights_backbone=None, num_classes=outputs, aux_loss=None), channels)
    for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm2d)):
        # MobileNet averages over some hundred steps (0.01): a short training would be judged by the statistics of its beginning.
        norm.momentum = _MOMENTUM
    return LogitsOnly(net)


def _row(name: str, maker: str, about: str, *, stride_px: int, halo_px: int, invariant: bool, min_batch: int, min_px: int) -> Architecture:
    return Architecture(
        name=name,
        about=about,
        family="torchvision",
        stride_px=stride_px,
        halo_px=halo_px,
        tile_invariant=invariant,
        min_batch=min_batch,
        min_px=min_px,
        encoder_prefix="net.backbone.",
        builder=partial(_build, maker),
    )


# The halo of FCN is measured (and a test measures it again); that of the others is a compromise: they see the whole picture.
TORCHVISION_NETS = (
    _row(
        "fcn-resnet50",
        "fcn_resnet50",
        "FCN on a ResNet-50: large, sees far; for a GPU, and for an encoder that has learned before.",
        stride_px=8,
        halo_px=232,
        invariant=True,
        min_batch=1,
        min_px=16,
    ),
    _row(
        "deeplabv3-resnet50",
        "deeplabv3_resnet50",
        "DeepLabV3 on a ResNet-50: objects of many sizes; for a GPU, and for an encoder that has learned before.",
        stride_px=8,
        halo_px=128,
        invariant=False,
        min_batch=2,
        min_px=16,
    ),
    _row(
        "deeplabv3-mobilenet",
        "deeplabv3_mobilenet_v3_large",
        "DeepLabV3 on a MobileNetV3: the same idea at a tenth of the work.",
        stride_px=16,
        halo_px=128,
        invariant=False,
        min_batch=2,
        min_px=32,
    ),
    _row(
        "lraspp-mobilenet",
        "lraspp_mobilenet_v3_large",
        "LR-ASPP on a MobileNetV3: fast on a CPU, coarse outlines.",
        stride_px=16,
        halo_px=128,
        invariant=False,
        min_batch=1,
        min_px=32,
    ),
)
