"""A class of 200 on one hub: they log in, start servers, look at pages, and put runs into the line; the spawner starts nothing."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Mapping

from bench.hub_spawner import START_S
from bench.hub_student import Book, Student
from bench.hub_world import hub_of

__all__ = ["measure"]

_DEVICES = 8
_THINK_S = 5.0  # between two requests of a student, in the mean
_PAGES = ("/hub/home", "/services/labkit/")
_ASKED = ("me", "runs")


def measure(quick: bool) -> Mapping[str, float | str | None]:
    """Return what a class met with, in milliseconds and seconds; `spawner_s` is what a start takes without any queue."""
    count, seconds, tries = (10, 4.0, 2) if quick else (200, 60.0, 15)
    names = [f"student{number:03d}" for number in range(count)]
    with hub_of(names, devices=_DEVICES) as url:
        return asyncio.run(_measure(url, names, seconds, tries))


async def _measure(url: str, names: list[str], seconds: float, tries: int) -> dict[str, float | str | None]:
    book = Book()
    students = [Student(url, name, book) for name in names]
    try:
        began = time.perf_counter()
        await asyncio.gather(*(student.log_in() for student in students))
        logged_in = time.perf_counter()
        await asyncio.gather(*(student.start_server() for student in students))
        started = time.perf_counter()
        book.is_open = True
        await asyncio.gather(*(_work(student, seconds, random.Random(k)) for k, student in enumerate(students)))
        book.is_open = False
        own, queued = await _dispatch(students[0], tries)
    finally:
        await asyncio.gather(*(student.close() for student in students))
    for line in book.failures[:10]:
        print(line, file=sys.stderr)
    return {
        "users": len(names),
        "failures": len(book.failures),
        "logins_per_s": round(len(names) / (logged_in - began), 1),
        "spawns_per_s": round(len(names) / (started - logged_in), 1),
        "requests_per_s": round(sum(map(len, book.times_ms.values())) / seconds, 1),
        "page_p95_ms": round(book.p95_ms("page"), 1),
        "api_p95_ms": round(book.p95_ms("api"), 1),
        "spawner_s": round(own, 3),
        "submit_to_running_s": round(queued, 3),
        "dispatch_s": round(queued - own, 3),
        "stand_in_start_s": START_S,
    }


async def _work(student: Student, seconds: float, chance: random.Random) -> None:
    """Look at pages and ask for runs until the lesson is over; somewhere in it, train once."""
    await asyncio.sleep(chance.uniform(0, 2 * _THINK_S))  # nobody begins in step with all others
    now = time.perf_counter()
    until, submits_at = now + seconds, now + chance.uniform(0, 0.6) * seconds
    has_submitted = False
    while (now := time.perf_counter()) < until:
        if not has_submitted and now >= submits_at:
            has_submitted = True
            await _train(student)
        elif chance.random() < 0.5:
            await student.page(chance.choice(_PAGES))
        else:
            await student.api("GET", chance.choice(_ASKED))
        await asyncio.sleep(chance.uniform(0.2, 2 * _THINK_S - 0.2) if until - now > _THINK_S else 0.2)


async def _train(student: Student) -> None:
    run_id = await student.submit()
    await student.wait_until_running(run_id, poll_s=2.0)
    await student.end(run_id)


async def _dispatch(student: Student, tries: int) -> tuple[float, float]:
    """Return the medians of a plain start and of a run from its submission to its server, taking turns, with free devices."""
    own, queued = [], []
    for _ in range(tries):
        await student.stop_server()
        own.append(await student.start_server())
        began = time.perf_counter()
        run_id = await student.submit()
        await student.wait_until_running(run_id)
        queued.append(time.perf_counter() - began)
        await student.end(run_id)
        while (await student.api("GET", "me"))["devices"]["free"] < _DEVICES:
            await asyncio.sleep(0.1)
    return statistics.median(own), statistics.median(queued)
