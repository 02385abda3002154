"""A training that begins with an encoder: from the object store through the cache, and named in the card."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from labkit.errors import CorruptStore
from labkit.formats.checkpoint import load_weights, save_weights
from labkit.project import Project
from labkit.storage import CheckpointLayout, file_sha256, open_objects
from labkit.testing.learning import annotated_image, tiny_training_set
from labkit.testing.s3 import running_s3
from labkit.training import TrainConfig, architecture_named, register_model, resolve, train
from labkit.training.starting import new_network


def test_an_encoder_is_read_once_checked_and_named_in_the_card(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bytes under its name are refused; once in the cache, the store need not be there."""
    annotated_image(project, tmp_path)
    data = tiny_training_set(project)
    torch.manual_seed(3)
    teacher = tmp_path / "teacher.safetensors"
    save_weights(teacher, architecture_named("unet-xs").build(3, 7).state_dict())
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    settings = {"architecture": "unet-xs", "epochs": 1, "steps_per_epoch": 1, "crop_px": 32, "device": "cpu"}
    address = "s3://bucket/encoders/teacher.safetensors"
    config = TrainConfig(
        project=str(project.path),
        training_set=data.key,
        encoder_weights=address,
        encoder_sha256=file_sha256(teacher),
        encoder_licence="MIT",
        **settings,
    )
    with running_s3(tmp_path / "s3") as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        objects = open_objects("s3://bucket/encoders")
        objects.write("teacher.safetensors", [teacher.read_bytes()[:-1] + b"\1"])
        with pytest.raises(CorruptStore, match="SHA-256"):
            resolve(config, data, cuda_available=False)
        objects.write("teacher.safetensors", [teacher.read_bytes()])
        resolve(config, data, cuda_available=False)
    plan = resolve(config, data, cuda_available=False)
    theirs, begun = load_weights(teacher), new_network(plan).state_dict()
    assert torch.equal(begun["down.1.0.weight"], theirs["down.1.0.weight"])
    assert torch.allclose(begun["down.0.0.weight"][:, 0], theirs["down.0.0.weight"].sum(dim=1))  # three channels become one
    files = CheckpointLayout(tmp_path / "training")
    card = register_model(project, files.best_weights, plan, train(plan, data, files), {}, run=None).card
    assert card.encoder is not None
    assert (card.encoder.sha256, card.encoder.licence, card.encoder.source) == (file_sha256(teacher), "MIT", address)
