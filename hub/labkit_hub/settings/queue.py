"""Devices, and how they are shared."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["DeviceSettings", "QueueSettings"]


class DeviceSettings(BaseModel):
    """The devices that the queue leases (``LABKIT_DEVICES__*``).

    Attributes
    ----------
    nvidia : bool
        Look for NVIDIA devices, through NVML.
    fake : int
        So many devices that are none: everything works, and computes on the CPU.
    cluster : int
        So many devices that a cluster gives out by number; which one a server gets is the cluster's choice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nvidia: bool = True
    fake: Annotated[int, Field(ge=0, le=64)] = 0
    cluster: Annotated[int, Field(ge=0, le=1024)] = 0


class QueueSettings(BaseModel):
    """How devices are shared (``LABKIT_QUEUE__*``).

    Attributes
    ----------
    per_person : int
        Devices that one person may use at a time, runs and servers together.
    waiting_per_person : int
        Runs of one person that may wait.
    hours_per_person : float or None
        Device-hours that one person may use in seven days; None sets no bound. Courses may set their own.
    starts_at_once : int
        Servers of runs that are started at the same time.
    attempts : int
        How often a run's server is started before the run is given up.
    start_timeout_s : float
        How long a server that was asked for may stay without a definite answer before it is stopped.
    reconcile_s : float
        How often everything is compared with what the hub knows.
    look_s : float
        How often servers that hold a device are looked at.
    ticket_s : float
        How long a ticket is valid.
    grace_s : float
        Above a run's own time limit, before its server is stopped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_person: Annotated[int, Field(ge=1)] = 1
    waiting_per_person: Annotated[int, Field(ge=1)] = 20
    hours_per_person: Annotated[float, Field(ge=0)] | None = None
    starts_at_once: Annotated[int, Field(ge=1, le=32)] = 4
    attempts: Annotated[int, Field(ge=1)] = 3
    start_timeout_s: Annotated[float, Field(gt=0)] = 300.0
    reconcile_s: Annotated[float, Field(gt=0)] = 60.0
    look_s: Annotated[float, Field(gt=0)] = 3.0
    ticket_s: Annotated[float, Field(gt=0)] = 120.0
    grace_s: Annotated[float, Field(ge=0)] = 60.0
