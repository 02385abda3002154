"""The students' image, whole: the environment of the lock works in it, without a network and without a writable root."""

from __future__ import annotations

import json

import pytest

from labkit.testing.stack import docker

pytestmark = [pytest.mark.docker, pytest.mark.ci]
HARDENED = ("--rm", "--read-only", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=4g", "--shm-size=256m")
PLACES = ("--tmpfs=/tmp:exec,mode=1777", "--tmpfs=/home/student:exec,uid=1000,gid=1000,mode=700")


def run(image: str, *command: str) -> str:
    """Run a command in a hardened container and return what it writes."""
    return docker("run", *HARDENED, *PLACES, image, *command, timeout_s=600)


def test_what_learns_is_there_and_computes(student_image: str) -> None:
    """torch, torchvision and LabKit fit one another."""
    said = run(
        student_image,
        "python",
        "-c",
        "import torch, torchvision, labkit.training; print(float((torch.ones(3) * 2).sum()), torch.version.cuda)",
    )
    total, cuda = said.split()
    assert float(total) == 6.0
    assert cuda != "None"  # the same image on a GPU


def test_labkit_finds_itself_in_order(student_image: str) -> None:
    """As an ordinary account, from the wheel."""
    said = json.loads(run(student_image, "labkit", "doctor", "--json"))
    assert "error" not in said
    assert run(student_image, "id", "-u").strip() == "1000"


def test_jupyterlab_has_our_extension_and_a_course(student_image: str) -> None:
    """Both came with the image."""
    listed = docker(
        "run", *HARDENED, *PLACES, student_image, "sh", "-c", "jupyter labextension list 2>&1; ls $LABKIT_COURSE_DIR", timeout_s=600
    )
    assert "labkit-lab" in listed
    assert ".ipynb" in listed


def test_packages_are_one_layer(student_image: str) -> None:
    """All but one are small: a change of LabKit's own code moves a few MB."""
    sizes = docker("history", "--human=false", "--format", "{{.Size}}", student_image).split()
    large = [int(size) for size in sizes if int(size) > 300_000_000]
    assert len(large) == 1
