"""Who is annotating an image now: claims that expire by themselves, and the next image that is free.

Claims hold among processes on one folder. Nobody has to give one back: a person whose browser died is out of the way once the
time is over.
"""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta

from labkit.annotations.review import load_review
from labkit.annotations.store import authors, check_image, open_document
from labkit.errors import CorruptStore, InvalidInput, Locked, NotFound
from labkit.project import ImageRecord, Project
from labkit.storage import Record, explain_os_errors, hold_lock, load_record, save_record, utc_now

__all__ = ["CLAIM_MINUTES", "Claim", "claim", "claim_next_image", "current_claim", "next_free_image", "release"]

CLAIM_MINUTES = 30.0
_LONGEST_MINUTES = 7 * 24 * 60.0


class Claim(Record):
    """``claim.json``: `author` annotates an image in the program `client`, and nobody else does before `until` (UTC)."""

    image_id: str
    author: str
    until: datetime
    client: str


def claim(project: Project, image_id: str, author: str, minutes: float = CLAIM_MINUTES, *, client: str = "") -> Claim:
    """Keep others from annotating an image for a while; the same author renews the claim by making it again.

    Parameters
    ----------
    project, image_id
        What is claimed.
    author : str
        For whom.
    minutes : float
        How long it holds from now on.
    client : str, optional
        The program that asks; by default the machine and the number of this process.

    Raises
    ------
    Locked
        Somebody else holds it; the message says who, and until when.
    InvalidInput
        The time is not above 0, or longer than a week.
    NotFound
        The project has no such image.
    """
    check_image(project, image_id)
    if not (math.isfinite(minutes) and 0 < minutes <= _LONGEST_MINUTES):
        raise InvalidInput(f"An image cannot be claimed for {minutes} minutes.", hint="Give minutes above 0, at most a week.")
    if not author.strip():
        raise InvalidInput("The author's name is empty.", hint="Give a name, or set LABKIT_AUTHOR.")
    with hold_lock(project.layout.claim_lock(image_id), what="the claim of this image"):
        held = current_claim(project, image_id)
        if held is not None and held.author != author:
            raise _refused(held)
        until = utc_now() + timedelta(minutes=minutes)
        made = Claim(image_id=image_id, author=author, until=until, client=client or f"{socket.gethostname()}:{os.getpid()}")
        save_record(project.layout.claim(image_id), made)
    return made


def release(project: Project, image_id: str, author: str) -> bool:
    """Give the author's claim of an image back; return whether there was one. That of somebody else stays."""
    check_image(project, image_id)
    if _load_claim(project, image_id) is None:
        return False  # so that asking leaves no folder behind
    path = project.layout.claim(image_id)
    with hold_lock(project.layout.claim_lock(image_id), what="the claim of this image"), explain_os_errors(path):
        held = _load_claim(project, image_id)
        if held is None or held.author != author:
            return False
        path.unlink()
    return True


def current_claim(project: Project, image_id: str) -> Claim | None:
    """Return who holds an image now; None if nobody does, or the time is over."""
    check_image(project, image_id)
    found = _load_claim(project, image_id)
    return found if found is not None and found.until > utc_now() else None


def next_free_image(project: Project, author: str) -> ImageRecord | None:
    """Return the first image, in the order of the project, on which there is work for the author; None if there is none.

    Left out are images of which anybody's document is accepted, that somebody else holds, or on which the author's own
    document is finished or in review; one that was returned has work again. An image whose records are broken is left out too: the
    progress names it.
    """
    return next(_iter_free_images(project, author), None)


def claim_next_image(
    project: Project, author: str, minutes: float = CLAIM_MINUTES, *, client: str = ""
) -> tuple[ImageRecord, Claim] | None:
    """Claim the next free image for the author: two who ask at once get different ones. None if no image is free."""
    for image in _iter_free_images(project, author):
        try:
            return image, claim(project, image.id, author, minutes, client=client)
        except Locked:
            continue  # somebody was faster: the next one
    return None


def _iter_free_images(project: Project, author: str) -> Iterator[ImageRecord]:
    for image in project.images():
        if image.role != "image":
            continue
        try:
            free = _is_free(project, image.id, author)
        except CorruptStore:
            free = False
        if free:
            yield image


def _is_free(project: Project, image_id: str, author: str) -> bool:
    held = current_claim(project, image_id)
    if held is not None and held.author != author:
        return False
    states = {name: load_review(project, image_id, name).state for name in {*authors(project, image_id), author}}
    if "accepted" in states.values() or states[author] == "in-review":
        return False
    return states[author] == "returned" or not open_document(project, image_id, author).finished


def _load_claim(project: Project, image_id: str) -> Claim | None:
    try:
        return load_record(project.layout.claim(image_id), Claim)
    except NotFound:
        return None


def _refused(held: Claim) -> Locked:
    left = max(1, math.ceil((held.until - utc_now()).total_seconds() / 60))
    return Locked(
        f"{held.author} is annotating this image until {held.until:%Y-%m-%d %H:%M} UTC.",
        hint=f"Take another image, or wait {left} min: the claim ends by itself.",
        author=held.author,
        until=held.until,
    )
