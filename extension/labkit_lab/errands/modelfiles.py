"""Models as files for other programs."""

from __future__ import annotations

from pathlib import Path

from labkit.project import Project
from labkit.storage import plain_file_name
from labkit.training import open_model
from labkit.training.bioimageio import export_bioimageio
from labkit.training.exporting import export_onnx
from labkit_lab.wire_models import ModelExportAsk, ModelExportReport

__all__ = ["export"]


def export(project_path: Path, key: str, asked: ModelExportAsk, folder: Path) -> ModelExportReport:
    """Write a model into `folder`, and say how far its answers are from the model's own.

    Raises
    ------
    MissingDependency
        The part of LabKit that writes this format is not installed.
    InvalidInput
        Authors or a licence are missing, or the file's answers differ too much; nothing is handed out.
    """
    model = open_model(Project.open(project_path), key)
    stem = plain_file_name(f"{model.card.name} {model.card.version}")
    if asked.format == "onnx":
        path = folder / f"{stem}.onnx"
        report = export_onnx(model, path)
    else:
        path = folder / f"{stem}.bioimageio.zip"
        report = export_bioimageio(model, path, authors=asked.authors, licence=asked.licence.strip() or None)
    return ModelExportReport(
        name=path.name, bytes=path.stat().st_size, sha256=report.sha256, difference=report.difference, tolerance=report.tolerance
    )
