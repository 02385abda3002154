"""`labkit hub status|runs`: what the hub says of you, and of your runs."""

from __future__ import annotations

import click

from labkit.cli.app import command
from labkit.cli.console import Answer
from labkit.client import HubClient, line_words, service_address
from labkit.client.wire import HubRunItem, Standing
from labkit.errors import NotFound

__all__ = ["hub_command"]


@click.group("hub")
def hub_command() -> None:
    """Ask the hub: what you may use, which devices are free, how your runs stand."""


@hub_command.command("status")
@command
def status() -> Answer:
    """Say who you are to the hub, which devices are free, how many runs wait, and what you may still use."""
    standing = _client().standing()
    return Answer(standing, tuple(_standing_lines(standing)))


@hub_command.command("runs")
@click.option("--course", default=None, help="Those of a course; for its staff.")
@click.option("--all", "everybody", is_flag=True, help="Everybody's; for admins.")
@command
def runs(course: str | None, everybody: bool) -> Answer:
    """List runs as the hub sees them, of all projects, the newest first: by default your own."""
    items = _client().runs(course=course, everybody=everybody)
    lines = [_run_line(item, with_owner=everybody or course is not None) for item in items]
    rows = [item.model_dump(mode="json") for item in items]
    return Answer({"runs": rows}, tuple(lines) or ("No runs at the hub. Start one with 'labkit train ... --on hub'.",))


def _client() -> HubClient:
    address = service_address()
    if address is None:
        raise NotFound(
            "There is no hub here.", hint="In a server of a hub it is known; elsewhere set LABKIT_SERVICE_URL and LABKIT_HUB_TOKEN."
        )
    return HubClient(address)


def _standing_lines(standing: Standing) -> list[str]:
    devices = standing.devices
    lines = [f"{standing.name}{', admin' if standing.is_admin else ''}"]
    lines.append(f"  {devices.free} of {devices.total} device(s) free, {devices.waiting} run(s) wait")
    if standing.hours_left is not None:
        lines.append(f"  {standing.hours_left:.1f} device-hours left")
    for course in standing.courses:
        left = "" if course.hours_left is None else f", {course.hours_left:.1f} device-hours left"
        lines.append(f"  course {course.id} ({course.title}): {course.role}{left}")
    lines += [f"  profile {profile.slug}: {profile.title}, at most {profile.longest_h:g} h" for profile in standing.profiles]
    if standing.pause:
        lines.append(f"  Paused: {standing.pause}")
    if standing.announcement is not None:
        lines.append(f"  {standing.announcement.text}")
    return lines


def _run_line(item: HubRunItem, *, with_owner: bool) -> str:
    words = [item.id, line_words(item) or item.state, item.title or item.kind]
    if with_owner:
        words.insert(1, item.owner)
    words += [text for text in (item.device, item.progress if not item.has_ended else item.reason) if text]
    return "  ".join(words)
