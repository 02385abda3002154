"""Models as bioimage.io packages: one zip with weights, test tensors, a cover and what people must know."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from labkit.datasets import mean_score
from labkit.errors import InvalidInput, MissingDependency
from labkit.storage import explain_os_errors, write_bytes
from labkit.training.architectures import architecture_named
from labkit.training.card import ModelCard
from labkit.training.exporting import ExportReport, ParityCheck, difference, network_of, report_of, sample_pixels, session_of, write_onnx
from labkit.training.registry import Model

__all__ = ["export_bioimageio"]

_PAPERS = {
    "unet": ("Ronneberger et al.: U-Net: Convolutional Networks for Biomedical Image Segmentation (2015)", "10.1007/978-3-319-24574-4_28"),
    "fcn": ("Long, Shelhamer, Darrell: Fully Convolutional Networks for Semantic Segmentation (2015)", "10.1109/CVPR.2015.7298965"),
    "deeplabv3": ("Chen et al.: Rethinking Atrous Convolution for Semantic Image Segmentation (2017)", "10.48550/arXiv.1706.05587"),
    "lraspp": ("Howard et al.: Searching for MobileNetV3 (2019)", "10.1109/ICCV.2019.00140"),
}
_OKABE_ITO = ((0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
_TEST_SIDE = 128


def export_bioimageio(
    model: Model, path: Path, *, authors: tuple[str, ...], licence: str | None = None, test: NDArray[Any] | None = None
) -> ExportReport:
    """Write a model as a bioimage.io package, validated by bioimageio.spec.

    The zip holds ``rdf.yaml``; the weights as ONNX and as a ``state_dict`` of torch (its architecture is LabKit's
    `exported_network`); a test input with its output; a cover; and a page that says what the model has learned from, how good it
    is and what it cannot do.

    Parameters
    ----------
    model : Model
    path : Path
        The zip to write; an older one is replaced, whole or not at all.
    authors : tuple of str
        Who made the model: names of people, at least one.
    licence : str, optional
        SPDX identifier; default: that of the card. Without one there is no package.
    test : ndarray (c, y, x), optional
        A real picture for the test tensors and the cover; default: a generated one.

    Raises
    ------
    MissingDependency
        The part ``export`` of LabKit is not installed.
    InvalidInput
        No author or licence is named, the specification refuses something, or the exported network does not answer as torch does.
    """
    spec, v0_5 = _libraries()
    licence = licence or model.card.licence
    if not licence:
        raise InvalidInput(
            f"Nobody says under which licence {model.key} may be used.", hint="Name a licence by its SPDX identifier, such as CC-BY-4.0."
        )
    if not [a for a in authors if a.strip()]:
        raise InvalidInput("A package names its authors.", hint="Name each person who made it.")
    _check_licence(v0_5, licence)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checks = _write_files(model, folder, test)
        described = _described(v0_5, spec, model, folder, authors, licence)
        target = folder / "package.zip"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            spec.save_bioimageio_package(described, output_path=target)
            summary = _validated(spec, target)
        if summary.status == "failed":
            raise InvalidInput("The package is not valid: " + _first_fault(summary), hint="Nothing was written; please report it.")
        with explain_os_errors(path):
            write_bytes(path, target.read_bytes())
    return report_of("bioimage.io", path, model, checks)


def _libraries() -> tuple[Any, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from bioimageio import spec
            from bioimageio.spec.model import v0_5
    except ImportError as error:
        hint = "pip install 'labkit-studio[export]'"
        raise MissingDependency("Packages need bioimageio.spec, which is not installed.", hint=hint) from error
    return spec, v0_5


def _check_licence(v0_5: Any, licence: str) -> None:
    try:
        TypeAdapter(v0_5.ModelDescr.model_fields["license"].annotation).validate_python(licence)
    except ValidationError as error:
        hint = "Give an SPDX identifier, spelled as in the list: CC-BY-4.0, MIT, BSD-3-Clause."
        raise InvalidInput(f"bioimage.io knows no licence {licence!r}.", hint=hint) from error


def _validated(spec: Any, package: Path) -> Any:
    """Read the package again as a stranger does, with its files: hashes, shapes and types of the tensors are compared."""
    return spec.load_description(package, perform_io_checks=True).validation_summary


def _first_fault(summary: Any) -> str:
    faults = [error for detail in summary.details for error in detail.errors]
    return f"{'.'.join(str(p) for p in faults[0].loc)}: {faults[0].msg}" if faults else str(summary.status)


def _write_files(model: Model, folder: Path, test: NDArray[Any] | None) -> tuple[ParityCheck, ...]:
    """Write weights, tensors, cover and documentation; return how far ONNX is from torch, the test picture included."""
    checks = write_onnx(model, folder / "weights.onnx")
    network = network_of(model)
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    (folder / "weights.pt").write_bytes(buffer.getvalue())
    pixels = _test_pixels(model.card, test)
    with torch.inference_mode():
        answer = network(torch.from_numpy(pixels)).numpy()
    np.save(folder / "test_input.npy", pixels)
    np.save(folder / "test_output.npy", answer)
    (folder / "cover.png").write_bytes(_cover(model.card, pixels[0], answer[0]))
    (folder / "README.md").write_text(_readme(model.card), encoding="utf-8")
    own = ParityCheck(shape=pixels.shape, difference=difference(session_of(folder / "weights.onnx"), network, pixels))
    return (*checks, own)


def _test_pixels(card: ModelCard, test: NDArray[Any] | None) -> NDArray[np.float32]:
    stride = card.plan.stride_px
    side = max(_TEST_SIDE, architecture_named(card.plan.architecture).min_px) // stride * stride
    if test is None or min(test.shape[1:]) < side:
        return sample_pixels(card, 1, side, side)
    return np.ascontiguousarray(test[None, :, :side, :side].astype(np.float32))


def _cover(card: ModelCard, pixels: NDArray[np.float32], answer: NDArray[np.float32]) -> bytes:
    """Return a PNG, twice as wide as high: the test picture, and the class of each pixel over it."""
    low, high = (np.array(v, np.float32)[:, None, None] for v in (card.plan.normalisation.low, card.plan.normalisation.high))
    grey = np.clip((pixels - low) / (high - low), 0, 1)
    rgb = np.moveaxis(grey[:3] if len(grey) >= 3 else grey[:1].repeat(3, axis=0), 0, -1) * 255
    classes = answer.argmax(axis=0)
    colours = np.array([_OKABE_ITO[k % len(_OKABE_ITO)] for k in range(len(answer))], np.float32)
    over = np.where((classes > 0)[..., None], 0.5 * rgb + 0.5 * colours[classes], rgb)
    picture = Image.fromarray(np.concatenate([rgb, over], axis=1).round().astype(np.uint8)).resize((512, 256), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _readme(card: ModelCard) -> str:
    plan = card.plan
    lines = [
        f"# {card.name}, version {card.version}",
        "",
        f"A segmentation network ({plan.architecture}, {plan.parameters:,} weights) trained with {card.software}.",
        "",
        "## Input and output",
        "",
        f"Input: grey values as they are in the file, float32, {plan.channels} channel(s); they are scaled inside the network.",
        f"Sides are multiples of {plan.stride_px} px. Output: probabilities of {', '.join(plan.outputs)}.",
        "`border` is the wall between touching objects: a pixel of it belongs to what is likeliest beside it." if plan.border_index else "",
        "",
        "## Data",
        "",
        *(_data_lines(card)),
        "",
        "## Validation",
        "",
        *(
            f"- mean Dice on {part}: {'-' if mean_score(s.dice) is None else format(mean_score(s.dice), '.3f')} ({s.pixels:,} pixels)"
            for part, s in card.scores.items()
        ),
        "Nothing was measured." if not card.scores else "",
        "",
        "## Limits",
        "",
        "It knows pictures of the kind that it has learned from; look at its answers before you count on them.",
        *(f"- {line}" for line in card.limits.warnings),
    ]
    return "\n".join(lines) + "\n"


def _data_lines(card: ModelCard) -> list[str]:
    if card.data is None:
        return [f"Training set {card.plan.training_set}."]
    parts = ", ".join(f"{part}: {s.chips} chips" for part, s in card.data.parts.items())
    return [f"Training set {card.data.key} ({parts}), cut from {len(card.data.images)} picture(s)."]


def _described(v0_5: Any, spec: Any, model: Model, folder: Path, authors: tuple[str, ...], licence: str) -> Any:
    """Return the description that becomes ``rdf.yaml``."""
    card = model.card
    try:
        with spec.ValidationContext(root=folder, perform_io_checks=False), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return v0_5.ModelDescr(
                name=f"{card.name} {card.version}",
                description=f"Segments {', '.join(c.name for c in card.plan.classes)}; trained with LabKit.",
                covers=[v0_5.FileDescr(source=folder / "cover.png")],
                documentation=v0_5.FileDescr(source=folder / "README.md"),
                authors=[v0_5.Author(name=name.strip()) for name in authors if name.strip()],
                cite=[_citation(v0_5, card)],
                license=licence,
                tags=["segmentation", "labkit", *(c.name.lower().replace(" ", "-") for c in card.plan.classes)],
                version=str(card.version),
                inputs=[_input(v0_5, card, folder)],
                outputs=[_output(v0_5, card, folder)],
                weights=_weights(v0_5, card, folder),
            )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"bioimage.io does not accept {where}: {first['msg']}.", hint="Change it, and export again.") from error


def _citation(v0_5: Any, card: ModelCard) -> Any:
    kind = next((k for k in _PAPERS if k in card.plan.architecture), "unet")
    text, doi = _PAPERS[kind]
    return v0_5.CiteEntry(text=text, doi=doi)


def _size(v0_5: Any, card: ModelCard) -> Any:
    least = max(card.plan.stride_px, architecture_named(card.plan.architecture).min_px)
    least = max(least, 2 * card.plan.halo_px + card.plan.stride_px)  # what is left of a tile when its halo is cut off
    return v0_5.ParameterizedSize(min=least, step=card.plan.stride_px)


def _input(v0_5: Any, card: ModelCard, folder: Path) -> Any:
    names = [f"channel{k}" for k in range(card.plan.channels)]
    return v0_5.InputTensorDescr(
        id="image",
        description="Grey values as they are in the file.",
        axes=[
            v0_5.BatchAxis(),
            v0_5.ChannelAxis(channel_names=names),
            v0_5.SpaceInputAxis(id="y", size=_size(v0_5, card)),
            v0_5.SpaceInputAxis(id="x", size=_size(v0_5, card)),
        ],
        data=v0_5.IntervalOrRatioDataDescr(type="float32"),
        test_tensor=v0_5.FileDescr(source=folder / "test_input.npy"),
    )


def _output(v0_5: Any, card: ModelCard, folder: Path) -> Any:
    def space(axis: str) -> Any:
        size = v0_5.SizeReference(tensor_id="image", axis_id=axis)
        return v0_5.SpaceOutputAxisWithHalo(id=axis, size=size, halo=card.plan.halo_px)

    return v0_5.OutputTensorDescr(
        id="probabilities",
        description="Probability of each output; they add up to 1.",
        axes=[v0_5.BatchAxis(), v0_5.ChannelAxis(channel_names=list(card.plan.outputs)), space("y"), space("x")],
        data=v0_5.IntervalOrRatioDataDescr(type="float32", range=(0.0, 1.0)),
        test_tensor=v0_5.FileDescr(source=folder / "test_output.npy"),
    )


def _weights(v0_5: Any, card: ModelCard, folder: Path) -> Any:
    plan = card.plan
    kwargs = {
        "architecture": plan.architecture,
        "channels": plan.channels,
        "outputs": len(plan.outputs),
        "low": list(plan.normalisation.low),
        "high": list(plan.normalisation.high),
    }
    architecture = v0_5.ArchitectureFromLibraryDescr(callable="exported_network", import_from="labkit.training.exporting", kwargs=kwargs)
    version = torch.__version__.partition("+")[0]
    state = v0_5.PytorchStateDictWeightsDescr(source=folder / "weights.pt", architecture=architecture, pytorch_version=version)
    onnx = v0_5.OnnxWeightsDescr(source=folder / "weights.onnx", opset_version=18, parent="pytorch_state_dict")
    return v0_5.WeightsDescr(pytorch_state_dict=state, onnx=onnx)
