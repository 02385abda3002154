"""`labkit course`: the commands of course work, of students, of staff and of authors."""

from __future__ import annotations

import click

from labkit.cli.course_people_commands import PEOPLE_COMMANDS
from labkit.cli.course_staff_commands import STAFF_COMMANDS

__all__ = ["course_command"]


@click.group("course")
def course_command() -> None:
    """Hand out, fetch, hand in, grade and give back course work."""


for _one in (*PEOPLE_COMMANDS, *STAFF_COMMANDS):
    course_command.add_command(_one)
