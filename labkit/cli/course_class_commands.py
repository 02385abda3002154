"""`labkit course ...` for staff: points in tables, the class, and who did what."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli.app import command
from labkit.cli.console import Answer
from labkit.cli.course_people_commands import course_client, course_option
from labkit.client.course_wire import ClassCell
from labkit.client.finding import course_id_of, find_assignment
from labkit.storage import write_bytes


@click.command("gradebook")
@click.argument("assignment", required=False)
@course_option
@click.option("--format", "form", type=click.Choice(["labkit", "canvas", "moodle"]), default="labkit", help="For whom.", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=None, help="File; by default it is printed.")
@command
def gradebook(assignment: str | None, course: str | None, form: str, output: Path | None) -> Answer:
    """Write points as a table (CSV), for people, or to be imported by Canvas or Moodle: of ASSIGNMENT, or without one of the course."""
    client = course_client()
    if assignment is None:
        table = client.course_gradebook(course_id_of(client, course), form)
    else:
        table = client.gradebook(find_assignment(client, assignment, course).id, form)
    text = table.decode("utf-8-sig")
    if output is None:
        return Answer({"format": form, "csv": text, "output": None}, tuple(text.splitlines()))
    write_bytes(output, table)
    return Answer({"format": form, "csv": text, "output": str(output)}, (f"Written: {output}",))


@click.command("statistics")
@click.argument("assignment")
@course_option
@command
def statistics(assignment: str, course: str | None) -> Answer:
    """Say how the class did in ASSIGNMENT."""
    client = course_client()
    found = client.statistics(find_assignment(client, assignment, course).id)
    lines = [f"{found.submitted} handed in, {found.graded} graded"]
    if found.mean is not None and found.median is not None:
        lines.append(
            f"mean {found.mean:.2f}, median {found.median:.2f} of {found.max_points:g}, best {found.best:g}, worst {found.worst:g}"
        )
    lines += [f"{10 * k:3}-{10 * k + 10} %  {'#' * count} {count}" for k, count in enumerate(found.histogram)]
    return Answer(found, tuple(lines))


@click.command("class")
@course_option
@command
def class_(course: str | None) -> Answer:
    """Show how far each student of a course is, and on which cell somebody is stuck."""
    client = course_client()
    found = client.class_view(course_id_of(client, course))
    names = {item.id: item.name for item in found.assignments}
    lines = []
    for row in found.students:
        lines.append(f"{row.full_name or row.person}: {row.trainings} training(s), {row.device_hours:.1f} device-hours")
        for cell in row.cells:
            words: list[str] = [cell.state or ("started" if cell.started else "fetched" if cell.fetched else "not fetched")]
            words += [f"{cell.points:g} points"] if cell.points is not None else []
            words += _drawn(cell)
            words += [f"stuck at {cell.stuck_cell} ({cell.stuck_times} times): {cell.stuck_error}"] if cell.stuck_cell else []
            lines.append(f"  {names.get(cell.assignment, cell.assignment)}: {', '.join(words)}")
    return Answer(found, tuple(lines) or ("Nobody is in this course.",))


def _drawn(cell: ClassCell) -> list[str]:
    if not cell.pictures_asked or cell.objects is None:
        return []
    return [f"{cell.objects} object(s) annotated in {cell.pictures or 0} of {cell.pictures_asked} picture(s)"]


@click.command("audit")
@course_option
@click.option("--before", type=click.IntRange(min=0), default=None, help="Go on where `next` of an answer says.")
@command
def audit(course: str | None, before: int | None) -> Answer:
    """List who did what in a course, the last first."""
    client = course_client()
    found = client.audit(course_id_of(client, course), before=before)
    lines = [f"{row.time:%Y-%m-%d %H:%M:%S}  {row.actor}  {row.action}  {row.subject}" for row in found.rows]
    lines += [f"Further: --before {found.next}"] if found.next is not None else []
    return Answer(found, tuple(lines) or ("Nothing has been done yet.",))
