"""What runs in a server, and the variables that are the same in every shape."""

from __future__ import annotations

import math

from labkit.config import PATIENT_THREADS
from labkit_hub.placement.order import ServerOrder

__all__ = ["GRADING_MODULE", "LAB_ARGS", "device_environment", "run_command", "shared_environment", "thread_environment"]

# The environment of programs is shared, or part of an image: nobody installs extensions into it from the browser.
# A terminal's shell is no login shell: that would begin with the system's PATH, which does not lead to the command labkit.
LAB_ARGS = ("--LabApp.extension_manager=readonly", "--ServerApp.terminado_settings=shell_command=/bin/bash")

GRADING_MODULE = "labkit.client.grading_served"
"""Fetches from the service what is to be graded, and does it."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "BLOSC_NTHREADS")


def run_command(python: str, order: ServerOrder) -> list[str]:
    """Return the command of a run's server; its folder is relative to the home, in which it is started."""
    if order.run is None:
        raise ValueError("no run")
    if order.run.grades:
        return [python, "-m", GRADING_MODULE, f"--run={order.run.id}"]
    return [python, "-m", "labkit.runs.served", f"--run={order.run.id}", f"--folder={order.run.path}"]


def shared_environment(order: ServerOrder, service_url: str) -> dict[str, str]:
    """Return the variables that every server gets."""
    return {"LABKIT_SERVICE_URL": service_url, "LABKIT_PROFILE": order.profile.slug, **device_environment(order)}


def device_environment(order: ServerOrder) -> dict[str, str]:
    """Return what makes a server see the devices that it holds, and no others."""
    real = [device.key for device in order.devices if device.kind == "nvidia"]
    fake = [device.key for device in order.devices if device.kind == "fake"]
    # An image may ask for all devices by itself where NVIDIA's runtime is the default one; "void" takes that back.
    seen = {"CUDA_VISIBLE_DEVICES": ",".join(real), "NVIDIA_VISIBLE_DEVICES": ",".join(real) or "void"}
    return {**seen, **({"LABKIT_DEVICE": ",".join(fake)} if fake else {})}


def thread_environment(cpu: float) -> dict[str, str]:
    """Return thread counts that fit a limit of `cpu` cores: libraries count the machine's cores, not those they may use."""
    threads = str(max(1, math.floor(cpu)))
    return {**PATIENT_THREADS, **dict.fromkeys(_THREADS, threads)}
