"""Models for other programs: ONNX and a bioimage.io package, each compared with torch before it is handed out."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from labkit.datasets import Normalisation
from labkit.errors import InvalidInput, LabKitError, MissingDependency
from labkit.formats.checkpoint import load_weights
from labkit.storage import Record, explain_os_errors, file_sha256, write_bytes
from labkit.training.architectures import architecture_named
from labkit.training.card import ModelCard
from labkit.training.registry import Model

__all__ = ["ExportReport", "ExportedNetwork", "ParityCheck", "export_onnx", "exported_network", "write_onnx"]

_OPSET = 18
_TOLERANCE = 1e-4  # of a probability: far below what changes an answer, far above what rounding does


class ParityCheck(Record):
    """One input, and how far the exported network was from torch there."""

    shape: tuple[int, int, int, int]
    difference: float


class ExportReport(Record):
    """What was written, and how near it is to the model.

    Attributes
    ----------
    format : str
        "onnx" or "bioimage.io".
    path, sha256, size_bytes
        The file.
    model : str
        Whose weights it holds, with ``weights_sha256``.
    checks : tuple of ParityCheck
        Several sizes and batches of random pictures, computed by ONNX Runtime and by torch.
    difference : float
        The largest absolute difference of a probability among them.
    tolerance : float
        What it may be; more is an error, and nothing is written.
    """

    format: str
    path: str
    sha256: str
    size_bytes: int
    model: str
    weights_sha256: str
    checks: tuple[ParityCheck, ...]
    difference: float
    tolerance: float


class ExportedNetwork(nn.Module):
    """The network as others get it: grey values as they are in the file, probabilities out.

    Parameters
    ----------
    net : nn.Module
        Gives logits.
    low, high : sequence of float
        Per channel, what becomes 0 and 1.
    """

    def __init__(self, net: nn.Module, low: tuple[float, ...], high: tuple[float, ...]) -> None:
        super().__init__()
        self.net = net
        self.low: Tensor
        self.high: Tensor
        self.register_buffer("low", torch.tensor(low, dtype=torch.float32)[:, None, None])
        self.register_buffer("high", torch.tensor(high, dtype=torch.float32)[:, None, None])

    def forward(self, image: Tensor) -> Tensor:
        """Return probabilities (n, outputs, y, x) float32 for grey values (n, c, y, x) float32; sides are multiples of the stride."""
        scaled = (image - self.low) / (self.high - self.low)
        scaled = torch.where(torch.isnan(scaled), torch.zeros_like(scaled), scaled)
        return torch.softmax(self.net(scaled), dim=1)


def exported_network(architecture: str, channels: int, outputs: int, low: list[float], high: list[float]) -> ExportedNetwork:
    """Return an empty network that the exported ``state_dict`` fits; what a bioimage.io package names as its architecture."""
    return ExportedNetwork(architecture_named(architecture).build(channels, outputs), tuple(low), tuple(high))


def network_of(model: Model) -> ExportedNetwork:
    """Return a model's network as it is exported, with its weights, in evaluation mode."""
    model.check()
    plan = model.card.plan
    normalisation: Normalisation = plan.normalisation
    network = exported_network(plan.architecture, plan.channels, len(plan.outputs), list(normalisation.low), list(normalisation.high))
    network.net.load_state_dict(load_weights(model.layout.weights))
    return network.eval()


def export_onnx(model: Model, path: Path) -> ExportReport:
    """Write a model as ONNX: any batch, any height and width that are multiples of its stride.

    The input ``image`` is (n, c, y, x) float32, grey values as they are in the file: the normalisation of the training set is
    part of the graph. The output ``probabilities`` is (n, outputs, y, x) float32. Classes, stride, halo and hashes stand in the
    file's metadata.

    Parameters
    ----------
    model : Model
    path : Path
        The file to write; an older one is replaced, whole or not at all.

    Raises
    ------
    MissingDependency
        The part ``export`` of LabKit is not installed.
    InvalidInput
        The network cannot be written as ONNX, or the written one does not answer as torch does.
    """
    with tempfile.TemporaryDirectory() as folder:
        incoming = Path(folder) / "model.onnx"
        checks = write_onnx(model, incoming)
        with explain_os_errors(path):
            write_bytes(path, incoming.read_bytes())
    return report_of("onnx", path, model, checks)


def report_of(format_: str, path: Path, model: Model, checks: tuple[ParityCheck, ...]) -> ExportReport:
    """Return the report of a file that was written."""
    return ExportReport(
        format=format_,
        path=str(path),
        sha256=file_sha256(path),
        size_bytes=path.stat().st_size,
        model=model.key,
        weights_sha256=model.card.weights_sha256,
        checks=checks,
        difference=max(check.difference for check in checks),
        tolerance=_TOLERANCE,
    )


def write_onnx(model: Model, path: Path) -> tuple[ParityCheck, ...]:
    """Write the file, and compare it with torch on several sizes; raises as `export_onnx`."""
    onnx, _ = _libraries()
    network, card = network_of(model), model.card
    side = _least_side(card)
    example = torch.zeros(2, card.plan.channels, 2 * side, 3 * side)
    # Sides come in multiples of the stride: told so, the exporter leaves no room for others.
    axes = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                opset_version=_OPSET,
                input_names=["image"],
                output_names=["probabilities"],
                dynamic_shapes=(axes,),
                verbose=False,
            )
    except LabKitError:
        raise
    except Exception as error:  # the exporter raises many kinds for operations that it cannot write
        raise InvalidInput(
            f"{card.plan.architecture} cannot be written as ONNX ({type(error).__name__}).",
            hint="Export a U-Net, or use the weights with torch.",
        ) from error
    assert program is not None
    written = program.model_proto
    for key, value in _metadata(card).items():
        entry = written.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(written)
    path.write_bytes(written.SerializeToString())
    return _checked(model, network, path)


def _libraries() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise MissingDependency(
            "Exporting needs onnx, onnxscript and onnxruntime, which are not installed.", hint="pip install 'labkit-studio[export]'"
        ) from error
    return onnx, onnxruntime


def _least_side(card: ModelCard) -> int:
    return max(card.plan.stride_px, architecture_named(card.plan.architecture).min_px)


def _metadata(card: ModelCard) -> dict[str, str]:
    plan = card.plan
    return {
        "labkit.model": card.key,
        "labkit.weights_sha256": card.weights_sha256,
        "labkit.outputs": ",".join(plan.outputs),
        "labkit.stride_px": str(plan.stride_px),
        "labkit.halo_px": str(plan.halo_px),
        "labkit.tile_invariant": str(plan.tile_invariant).lower(),
        "labkit.licence": card.licence,
        "labkit.software": card.software,
    }


def sample_pixels(card: ModelCard, batch: int, height: int, width: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Return smooth, noisy grey values (n, c, y, x) float32 in the range that the model has learned from."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((batch, card.plan.channels, -(-height // 8), -(-width // 8)), dtype=np.float32)
    smooth = np.kron(coarse, np.ones((1, 1, 8, 8), np.float32))[:, :, :height, :width]
    noisy = np.clip(smooth + rng.normal(0, 0.1, smooth.shape), 0, 1)
    low, high = (np.array(v, np.float32)[:, None, None] for v in (card.plan.normalisation.low, card.plan.normalisation.high))
    return (low + noisy * (high - low)).astype(np.float32)


def _checked(model: Model, network: ExportedNetwork, path: Path) -> tuple[ParityCheck, ...]:
    card, side = model.card, _least_side(model.card)
    stride = card.plan.stride_px
    sizes = ((1, side, side), (1, 4 * side, 2 * side + stride), (3, 2 * side, 2 * side), (1, 8 * stride + side, side + stride))
    checks = []
    session = session_of(path)
    for seed, size in enumerate(sizes):
        pixels = sample_pixels(card, *size, seed=seed)
        checks.append(ParityCheck(shape=pixels.shape, difference=difference(session, network, pixels)))
    worst = max(checks, key=lambda check: check.difference)
    if not worst.difference <= _TOLERANCE:
        raise InvalidInput(
            f"The exported network differs from torch by {worst.difference:.2g} at a picture of {worst.shape}.",
            hint="Nothing was written; please report it with the architecture.",
        )
    return tuple(checks)


def session_of(path: Path) -> Any:
    """Open an ONNX file by ONNX Runtime on the CPU."""
    _, onnxruntime = _libraries()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def difference(session: Any, network: ExportedNetwork, pixels: NDArray[np.float32]) -> float:
    """Return the largest absolute difference of a probability between ONNX Runtime and torch."""
    theirs = session.run(None, {"image": pixels})[0]
    with torch.inference_mode():
        ours = network(torch.from_numpy(pixels)).numpy()
    return float(np.abs(theirs - ours).max()) if theirs.shape == ours.shape else float("inf")
