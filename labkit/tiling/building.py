"""What the decoding process does: read a header, or build the stores of one picture."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from labkit.compute import ComputeSpec
from labkit.events import CancelToken, EventSink
from labkit.formats.pictures import open_raster, read_file
from labkit.formats.raster import Option, PictureFile, Question, RasterHeader, Role
from labkit.storage import ObjectMissing, Objects, open_objects
from labkit.tiling.blocks import alpha_plan
from labkit.tiling.engine import build_pyramid
from labkit.tiling.ledger import Ledger, ShardFacts
from labkit.tiling.plan import Node, PyramidPlan, level_sizes
from labkit.tiling.windows import display_windows

__all__ = ["build_stores", "picture_file_from_json", "plan_of", "probe_file"]


def probe_file(
    path: str, role: Role, answers: Mapping[str, str], *, memory_bytes: int, on_event: EventSink, cancel: CancelToken
) -> dict[str, Any]:
    """Return `labkit.formats.pictures.read_file` as JSON."""
    found = dataclasses.asdict(read_file(Path(path), role, answers))
    for picture in found["pictures"]:
        profile = picture["icc_profile"]
        picture["icc_profile"] = None if profile is None else base64.b64encode(profile).decode()
    return found


def picture_file_from_json(found: dict[str, Any]) -> PictureFile:
    """Return what `probe_file` described."""
    pictures = tuple(_header_from_json(picture) for picture in found["pictures"])
    questions = tuple(Question(q["key"], q["text"], tuple(Option(**o) for o in q["options"]), q["default"]) for q in found["questions"])
    return PictureFile(found["format"], pictures, questions, tuple(found["notes"]))


def _header_from_json(picture: dict[str, Any]) -> RasterHeader:
    profile, size = picture["icc_profile"], picture["pixel_size_um"]
    lists = {name: tuple(picture[name]) for name in ("notes", "channel_names", "channel_colours")}
    return RasterHeader(
        **{
            **picture,
            **lists,
            "icc_profile": None if profile is None else base64.b64decode(profile),
            "pixel_size_um": None if size is None else (float(size[0]), float(size[1])),
            "stack": tuple((axis, int(length)) for axis, length in picture["stack"]),
        }
    )


def plan_of(header: RasterHeader, role: Role) -> PyramidPlan:
    """Return the pyramid that a picture becomes."""
    turned = header.orientation >= 5
    size = (header.width_px, header.height_px) if turned else (header.height_px, header.width_px)
    channels = header.channels - header.alpha
    return PyramidPlan(
        sizes=level_sizes(*size),
        channels=channels if channels > 1 else None,
        dtype=header.dtype,
        role=role,
        stack=header.stack,
        alpha=header.alpha,
        nodata=header.nodata if role == "image" else None,
    )


def build_stores(
    path: str,
    header: RasterHeader,
    role: Role,
    target: str,
    alpha_target: str,
    ledger_path: str,
    scratch: str,
    compute: ComputeSpec,
    *,
    memory_bytes: int,
    on_event: EventSink,
    cancel: CancelToken,
) -> dict[str, Any]:
    """Make the shards of one picture, going on from what the ledger says is there.

    Returns
    -------
    dict
        ``opaque``: whether the alpha store says nothing; ``windows``: [start, end] of each channel.
    """
    plan = plan_of(header, role)
    ledger = Ledger(Path(ledger_path))
    _forget_what_is_not_there(ledger, plan, target, alpha_target)
    build_pyramid(
        partial(open_raster, Path(path), header, role, Path(scratch), memory_bytes=memory_bytes),
        plan,
        target,
        ledger,
        alpha_target=alpha_target if plan.alpha else None,
        compute=compute,
        memory_bytes=memory_bytes // 2,
        stage="import",
        on_event=on_event,
        cancel=cancel,
    )
    windows = display_windows(open_objects(target), plan) if role == "image" else []
    return {"opaque": ledger.all_opaque(), "windows": windows}


def _forget_what_is_not_there(ledger: Ledger, plan: PyramidPlan, target: str, alpha_target: str) -> None:
    """Drop from the ledger what a lost disk cache or a person took away since."""
    store, alpha_store = open_objects(target), open_objects(alpha_target)
    for node, facts in ledger.entries():
        sound = _is_there(store, plan.shard_key(node), facts.image)
        if plan.alpha and facts.alpha is not None:
            sound = sound and _is_there(alpha_store, alpha_plan(plan).shard_key(node), facts.alpha)
        if not sound:
            ledger.forget(node, plan.top)
    for root in plan.roots():
        _forget_incomplete(ledger, plan, root)


def _forget_incomplete(ledger: Ledger, plan: PyramidPlan, node: Node) -> bool:
    """Drop blocks that stand on one that is missing, and return whether `node` is whole.

    Several threads wait for the disk, so that a kill may leave the line of a block, but not yet that of one below it.
    """
    below = [_forget_incomplete(ledger, plan, child) for child in plan.children(node)]
    if all(below) and node in ledger:
        return True
    ledger.forget(node, plan.top)
    return False


def _is_there(store: Objects, key: str, facts: ShardFacts) -> bool:
    try:
        return ShardFacts.of(store.read(key)) == facts
    except ObjectMissing:
        return False
