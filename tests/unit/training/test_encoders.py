"""Pretrained encoders: only from files, with a known hash and licence, and never a start from chance."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from labkit.errors import CorruptStore, InvalidInput, NotFound
from labkit.formats.checkpoint import save_weights
from labkit.storage import file_sha256
from labkit.training import architecture_named, list_encoders, resolve_encoder
from labkit.training.starting import take_encoder

LRASPP = architecture_named("lraspp-mobilenet")


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier as others publish it: torchvision's own names, a head that is of no use, three channels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchvision.models import mobilenet_v3_large
    torch.manual_seed(7)
    path = tmp_path_factory.mktemp("encoders") / "mobilenet.pth"
    torch.save(mobilenet_v3_large(weights=None).state_dict(), path)
    return path


@pytest.fixture
def cache(tmp_path: Path, mobilenet: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The admin's folder with one encoder and its label."""
    folder = tmp_path / "encoders"
    folder.mkdir()
    (folder / "mobilenet.pth").write_bytes(mobilenet.read_bytes())
    label = {"sha256": file_sha256(mobilenet), "licence": "BSD-3-Clause", "source": "a test", "about": "small"}
    (folder / "mobilenet.json").write_text(json.dumps(label))
    monkeypatch.setenv("LABKIT_ENCODERS", str(folder))
    return folder


def test_an_encoder_is_taken_tensor_by_tensor(mobilenet: Path) -> None:
    """Names of a published classifier are found in the network; its head is left aside."""
    module = LRASPP.build(3, 2)
    report = take_encoder(module, LRASPP, mobilenet)
    theirs = torch.load(mobilenet, weights_only=True)
    assert (report.taken, report.adapted, report.missing) == (report.wanted, "", ())
    assert report.wanted > 200
    own = module.state_dict()
    assert torch.equal(own["net.backbone.0.0.weight"], theirs["features.0.0.weight"])
    assert torch.equal(own["net.backbone.16.1.running_var"], theirs["features.16.1.running_var"])


@pytest.mark.parametrize("channels", [1, 5])
def test_the_first_convolution_is_adapted_to_the_channels(mobilenet: Path, channels: int) -> None:
    """Each channel gets the mean over red, green and blue, scaled: a grey picture is answered as the original answers it."""
    module = LRASPP.build(channels, 2)
    report = take_encoder(module, LRASPP, mobilenet)
    assert report.adapted == "net.backbone.0.0.weight"
    theirs = torch.load(mobilenet, weights_only=True)["features.0.0.weight"]
    ours = module.state_dict()["net.backbone.0.0.weight"]
    grey = torch.rand(1, 1, 16, 16)
    given, wanted = (torch.nn.functional.conv2d(grey.repeat(1, kernel.shape[1], 1, 1), kernel) for kernel in (ours, theirs))
    assert torch.allclose(given, wanted, atol=1e-5)


def test_a_whole_network_gives_its_encoder(tmp_path: Path) -> None:
    """A model that LabKit trained is an encoder for the next one, whatever its classes."""
    unet = architecture_named("unet-xs")
    earlier, later = unet.build(1, 3), unet.build(1, 5)
    save_weights(tmp_path / "earlier.safetensors", earlier.state_dict())
    assert take_encoder(later, unet, tmp_path / "earlier.safetensors").missing == ()
    assert torch.equal(later.state_dict()["down.2.3.weight"], earlier.state_dict()["down.2.3.weight"])


def test_an_encoder_of_another_kind_is_refused(mobilenet: Path) -> None:
    """The error says how many tensors were found: never a silent start from chance."""
    unet = architecture_named("unet-xs")
    module = unet.build(1, 2)
    before = {name: t.clone() for name, t in module.state_dict().items()}
    with pytest.raises(InvalidInput, match="0 of the 30"):
        take_encoder(module, unet, mobilenet)
    assert all(torch.equal(before[name], t) for name, t in module.state_dict().items())


def test_an_encoder_with_too_little_in_it_is_refused(mobilenet: Path, tmp_path: Path) -> None:
    """Half an encoder is none."""
    tensors = torch.load(mobilenet, weights_only=True)
    save_weights(tmp_path / "half.safetensors", {name: t for name, t in tensors.items() if int((name + ".99.").split(".")[1] or 99) < 8})
    with pytest.raises(InvalidInput, match="of the"):
        take_encoder(LRASPP.build(3, 2), LRASPP, tmp_path / "half.safetensors")


class _Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("trapped",)


def test_a_file_that_carries_code_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle is refused, and nothing of it is executed."""
    monkeypatch.chdir(tmp_path)
    torch.save({"conv1.weight": _Trap()}, tmp_path / "trap.pth")
    with pytest.raises(CorruptStore, match="can be read"):
        take_encoder(LRASPP.build(3, 2), LRASPP, tmp_path / "trap.pth")
    assert not (tmp_path / "trapped").exists()


def test_the_cache_gives_hash_licence_and_source(cache: Path) -> None:
    """They come from the label, and go into the card."""
    encoder = resolve_encoder("mobilenet", sha256=None, licence="")
    assert encoder is not None
    assert (encoder.licence, encoder.source, encoder.sha256) == ("BSD-3-Clause", "a test", file_sha256(cache / "mobilenet.pth"))


def test_a_changed_file_of_the_cache_is_refused(cache: Path) -> None:
    """One byte more, and it is another file; the list says so too, when it is asked to read."""
    with open(cache / "mobilenet.pth", "ab") as file:
        file.write(b"x")
    with pytest.raises(CorruptStore, match="SHA-256"):
        resolve_encoder("mobilenet", sha256=None, licence="")
    assert [(e.name, e.state) for e in list_encoders()] == [("mobilenet", "ok")]
    assert [(e.name, e.state) for e in list_encoders(check=True)] == [("mobilenet", "fault")]


def test_an_encoder_without_a_label_is_listed_and_refused(cache: Path) -> None:
    """Without a licence nobody may use it."""
    (cache / "mobilenet.json").unlink()
    assert [e.fault for e in list_encoders()] == ["The encoder mobilenet has no label: nobody says what may be done with it."]
    with pytest.raises(InvalidInput, match="no label"):
        resolve_encoder("mobilenet", sha256=None, licence="")


def test_a_file_needs_a_licence(mobilenet: Path) -> None:
    """The error names the option."""
    with pytest.raises(InvalidInput) as caught:
        resolve_encoder(str(mobilenet), sha256=None, licence="")
    assert "licence of the encoder" in caught.value.hint


def test_a_file_that_is_not_the_one_that_was_meant_is_refused(mobilenet: Path) -> None:
    """The hash that was given is compared."""
    with pytest.raises(CorruptStore, match="000000000000"):
        resolve_encoder(str(mobilenet), sha256="0" * 64, licence="MIT")


def test_an_unknown_name_lists_what_the_cache_has(cache: Path) -> None:
    """Nothing is looked for elsewhere."""
    with pytest.raises(NotFound) as caught:
        resolve_encoder("resnet50", sha256=None, licence="MIT")
    assert "mobilenet" in caught.value.hint


def test_an_object_on_a_store_needs_its_hash() -> None:
    """An address alone names nothing that stays the same."""
    with pytest.raises(InvalidInput) as caught:
        resolve_encoder("s3://course/encoder.safetensors", sha256=None, licence="MIT")
    assert "SHA-256 of the encoder" in caught.value.hint
