"""`labkit course ...` for staff: what holds for one person, and who hands in together."""

from __future__ import annotations

from typing import Any

import click

from labkit.cli.app import asked, command
from labkit.cli.console import Answer
from labkit.cli.course_people_commands import course_client, course_option
from labkit.client.course_wire import ExtensionAsk, GroupAsk
from labkit.client.finding import find_assignment
from labkit.client.words import local_words
from labkit.errors import InvalidInput


@click.command("extend")
@click.argument("assignment")
@click.argument("person")
@course_option
@click.option("--due", default=None, help="Local time of the course, such as 2026-10-27T23:59.")
@click.option("--attempts", type=click.IntRange(min=1), default=None, help="How many attempts this person has.")
@click.option("--reason", default="", help="Why; staff see it.")
@click.option("--end", is_flag=True, help="Take the extension away.")
@command
def extend(assignment: str, person: str, course: str | None, due: str | None, attempts: int | None, reason: str, end: bool) -> Answer:
    """Give PERSON another due time, or other attempts, for ASSIGNMENT."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    if end:
        client.end_extension(item.id, person)
        return Answer({"person": person, "due": None, "attempts": None}, (f"{person} has no extension for {item.name} any more.",))
    if due is None and attempts is None:
        raise InvalidInput("Nothing is extended.", hint="Give --due or --attempts, or --end to take an extension away.")
    said: dict[str, Any] = {"due": due, "attempts": attempts, "reason": reason}
    given = client.extend(item.id, person, asked(ExtensionAsk, **{key: value for key, value in said.items() if value}))
    words = [f"due {local_words(given.due, item.time_zone)}"] if given.due else []
    words += [f"{given.attempts} attempts"] if given.attempts else []
    return Answer(given, (f"{person}: {', '.join(words)}",))


@click.command("group")
@click.argument("assignment")
@click.argument("name", required=False)
@click.argument("members", nargs=-1)
@course_option
@click.option("--dissolve", is_flag=True, help="Dissolve the group.")
@command
def group(assignment: str, name: str | None, members: tuple[str, ...], course: str | None, dissolve: bool) -> Answer:
    """Let MEMBERS hand ASSIGNMENT in together as the group NAME; without a name, list the groups."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    if name is None:
        groups = client.groups(item.id)
    elif dissolve or members:
        groups = (client.set_group(item.id, name, asked(GroupAsk, members=() if dissolve else members)),)
    else:
        raise InvalidInput(f"Nobody is named for the group {name}.", hint="Name its members, or give --dissolve.")
    lines = tuple(f"{one.name}: {', '.join(one.members) or 'dissolved'}" for one in groups)
    return Answer({"groups": [one.model_dump(mode="json") for one in groups]}, lines or ("There are no groups.",))
