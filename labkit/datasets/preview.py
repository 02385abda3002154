"""A few chips as they would be, before a set is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from labkit.compute import ComputeSpec, open_compute
from labkit.datasets.build import nothing_to_learn
from labkit.datasets.cutting import ChipStrip, CutChips, count_strip, cut_strip, iter_strips
from labkit.datasets.dealing import rank_of
from labkit.datasets.draft import draft_set
from labkit.datasets.records import SetSpec
from labkit.datasets.training_set import Chips
from labkit.errors import InvalidInput
from labkit.events import CancelToken, ignore_events
from labkit.project import Project

__all__ = ["sample_chips"]

_LOOKED_AT = 200


def sample_chips(project: Project, spec: SetSpec, *, count: int = 4, seed: int = 0) -> Chips:
    """Cut a few chips of the train part, to show what augmentation makes of them; nothing is written.

    Parameters
    ----------
    project : Project
        Where images and annotations are.
    spec : SetSpec
        The wish.
    count : int
        How many, fewer where the part has not as many.
    seed : int
        Which; chips with an object come first.

    Raises
    ------
    InvalidInput
        There can be no such set.
    """
    if count < 1:
        raise InvalidInput(f"{count} chips cannot be shown.", hint="Ask for one or more.")
    with open_compute(ComputeSpec("threads")) as workers:
        draft = draft_set(project, spec, workers, ignore_events, CancelToken())
    draft.findings.raise_first()
    single = sorted(_one_by_one(iter_strips(project, draft, "train")), key=lambda strip: rank_of(seed, strip.number, strip.chips[0]))
    known = [(strip, found) for strip in single[:_LOOKED_AT] if (found := count_strip(strip)).chips]
    known.sort(key=lambda pair: pair[1].objects == 0)  # the sort is stable: among equals the rank decides
    if not known:
        raise nothing_to_learn()
    return _joined([cut_strip(strip) for strip, _ in known[:count]])


def _one_by_one(strips: Iterator[ChipStrip]) -> Iterator[ChipStrip]:
    for strip in strips:
        for chip in strip.chips:
            yield replace(strip, chips=(chip,))


def _joined(cut: list[CutChips]) -> Chips:
    return Chips(
        np.concatenate([one.pixels for one in cut]),
        np.concatenate([one.masks for one in cut]),
        np.concatenate([one.objects for one in cut]),
        np.concatenate([one.positions for one in cut]),
    )
