"""Networks by name: how far they see, what they can learn from, and that none fetches anything."""

from __future__ import annotations

import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from labkit.datasets import Normalisation
from labkit.errors import InvalidInput, MissingDependency
from labkit.inference import iter_windows
from labkit.training import ARCHITECTURES, Architecture, Network, architecture_named, architecture_table, check_fits
from labkit.training.reach import measured_halo, smallest_batch, smallest_piece

pytest.importorskip("segmentation_models_pytorch", reason="segmentation-models-pytorch (extra smp) is not installed")
SMP = ("smp:unet:resnet18", "smp:fpn:resnet18", "smp:deeplabv3plus:mobilenet_v2")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to reach another machine fail loudly."""

    def refuse(*_: object) -> None:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


every_network = pytest.mark.parametrize("name", [*ARCHITECTURES, SMP[0], *(pytest.param(name, marks=pytest.mark.ci) for name in SMP[1:])])


@every_network
def test_a_network_sees_no_further_than_it_says(name: str) -> None:
    """What is unknown (NaN) beyond the halo reaches no answer; who says that tiles matter is reached from everywhere."""
    a = architecture_named(name)
    height_px = smallest_piece(a.outline(3, 2), channels=3, stride_px=a.stride_px)
    measured = measured_halo(a.build(3, 2), channels=3, stride_px=a.stride_px, height_px=height_px or a.min_px)
    assert (measured is not None) == a.tile_invariant
    assert measured is None or a.halo_px - 3 * a.stride_px <= measured <= a.halo_px


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("name", ["unet-m", "fcn-resnet50", "deeplabv3-mobilenet", "lraspp-mobilenet", SMP[0]])
def test_any_number_of_channels_gets_logits_of_its_size(name: str, channels: int, no_network: None) -> None:
    """Nothing is fetched to build a network, whatever its channels."""
    a = architecture_named(name)
    logits = a.outline(channels, 4)(torch.empty(2, channels, 64, 96, device="meta"))
    assert logits.shape == (2, 4, 64, 96)


def test_real_weights_are_drawn_without_fetching(no_network: None) -> None:
    """Also where values are made, not only shapes."""
    assert torch.isfinite(architecture_named("lraspp-mobilenet").build(2, 3)(torch.rand(1, 2, 32, 32))).all()


@every_network
def test_the_smallest_batch_and_piece_are_those_that_work(name: str) -> None:
    """At what the table names, a step works; a batch of one below it does not."""
    a = architecture_named(name)
    outline = a.outline(3, 2)
    assert smallest_batch(outline, channels=3, side_px=a.min_px) == a.min_batch
    assert (smallest_piece(outline, channels=3, stride_px=a.stride_px) or 0) <= a.min_px
    outline.train()
    assert outline(torch.empty(a.min_batch, 3, a.min_px, a.min_px, device="meta")).shape[-1] == a.min_px


def test_a_batch_of_one_is_refused_in_words_where_it_cannot_work() -> None:
    """DeepLabV3 normalises over the batch what it pooled to one value."""
    with pytest.raises(InvalidInput, match="deeplabv3-mobilenet cannot learn from 1") as caught:
        check_fits(architecture_named("deeplabv3-mobilenet"), batch_size=1, crop_px=64)
    assert "batch size of 2" in caught.value.hint


def test_a_piece_that_is_too_small_is_refused() -> None:
    """The hint says from where on it works."""
    with pytest.raises(InvalidInput, match="16 px") as caught:
        check_fits(architecture_named("unet-l"), batch_size=4, crop_px=16)
    assert "32 px" in caught.value.hint


def _network(a: Architecture) -> Network:
    torch.manual_seed(0)
    module = a.build(1, 3).train()
    for norm in (m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        norm.momentum = None  # plain averages: with those of the start, a deep network answers the same everywhere
    with torch.no_grad():
        for _ in range(2):
            module(torch.rand(2, 1, 64, 64) * torch.tensor([1.0, 0.2])[:, None, None, None])
    normalisation = Normalisation(low=(0.0,), high=(255.0,))
    return Network(
        module,
        normalisation=normalisation,
        stride_px=a.stride_px,
        halo_px=a.halo_px,
        border_index=None,
        device="cpu",
        min_px=a.min_px,
    )


def _half_dark(height: int, width: int) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 255, (1, height, width), np.uint8)
    pixels[..., width // 2 :] //= 8
    return pixels


def _difference(network: Network, pixels: np.ndarray, tile_px: int) -> float:
    """Return the largest difference of tiles and whole, as a share of the spread of the answer."""
    whole = network.probabilities(pixels)
    return float(np.abs(_stitched(network, pixels, tile_px) - whole).max() / np.ptp(whole))


def _stitched(network: Network, pixels: np.ndarray, tile_px: int) -> np.ndarray:
    answer = np.full((3, *pixels.shape[1:]), np.nan, np.float32)
    for window in iter_windows(*pixels.shape[1:], tile_px, network.halo_px, network.stride_px):
        answer[:, *window.core.slices] = network.probabilities(pixels[:, *window.read.slices])[:, *window.keep]
    return answer


@pytest.mark.parametrize("name", ["unet-xs", "unet-l"])
def test_tiles_give_the_answer_of_the_whole_picture(name: str) -> None:
    """A half-dark picture of odd size, in tiles with the halo, is the one pass over it."""
    a = architecture_named(name)
    network = _network(a)
    pixels = _half_dark(61, 2 * a.halo_px + 101)
    assert _difference(network, pixels, 2 * a.stride_px * (32 // a.stride_px + 1)) < 1e-4


def test_a_network_that_pools_the_whole_picture_answers_differently_in_tiles() -> None:
    """So it deserves its warning."""
    a = architecture_named("lraspp-mobilenet")
    assert _difference(_network(a), _half_dark(48, 480), 64) > 0.01


def test_pieces_below_the_smallest_are_filled_up() -> None:
    """A picture of one pixel gets an answer of one pixel."""
    answer = _network(architecture_named("lraspp-mobilenet")).probabilities(np.zeros((1, 1, 1), np.uint8))
    assert answer.shape == (3, 1, 1)


def test_the_table_says_what_each_network_needs() -> None:
    """Four sizes of the U-Net, each larger than the one before, and no memory of 0."""
    rows = {row.name: row for row in architecture_table()}
    sizes = [rows[f"unet-{size}"].parameters for size in ("xs", "s", "m", "l")]
    assert sizes == sorted(sizes)
    assert min(row.megapixel_mb for row in rows.values()) > 100
    assert set(rows) == set(ARCHITECTURES)


def test_networks_come_without_torchvision_until_they_are_built() -> None:
    """The room of training is loaded by every command."""
    code = "import sys, labkit.training; print([m for m in ('torchvision', 'segmentation_models_pytorch', 'onnx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_library_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a download instead."""
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    with pytest.raises(MissingDependency) as caught:
        architecture_named("smp:unet:resnet50")
    assert "labkit-studio[smp]" in caught.value.hint


@pytest.mark.parametrize(("name", "about"), [("smp:unet", "smp:unet:resnet18"), ("smp:x:resnet18", "unet"), ("smp:unet:x", "resnet18")])
def test_an_unknown_pair_lists_what_there_is(name: str, about: str) -> None:
    """Decoder and encoder are looked at one by one."""
    with pytest.raises(InvalidInput) as caught:
        architecture_named(name)
    assert about in caught.value.hint
