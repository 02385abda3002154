"""`labkit course`: assignments, from their making to what comes back."""

from __future__ import annotations

from importlib import import_module

import click

__all__ = ["course_command"]

_AUTHOR = "labkit.cli.course_author_commands"
_MARKING = "labkit.cli.course_marking_commands"
_PEOPLE = "labkit.cli.course_people_commands"
# Command -> module that holds it: writing an assignment, grading one and handing one in need different rooms.
_COMMANDS = {
    **dict.fromkeys(("check", "export-nbgrader", "import-nbgrader", "new", "preview"), _AUTHOR),
    **dict.fromkeys(("annotations", "comments", "pin"), "labkit.cli.course_annotation_commands"),
    "similarity": "labkit.cli.course_similarity_commands",
    "test": "labkit.cli.course_grade_commands",
    **dict.fromkeys(("assignments", "feedback", "fetch", "history", "list", "receipt", "submit", "validate"), _PEOPLE),
    **dict.fromkeys(("create", "delete", "release", "set"), "labkit.cli.course_assignment_commands"),
    **dict.fromkeys(("extend", "group"), "labkit.cli.course_arrangement_commands"),
    **dict.fromkeys(("batches", "grade", "score"), _MARKING),
    **dict.fromkeys(("download", "submissions"), "labkit.cli.course_submission_commands"),
    **dict.fromkeys(("audit", "class", "gradebook", "statistics"), "labkit.cli.course_class_commands"),
}


class _Course(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(_COMMANDS[cmd_name])
        if cmd_name == "feedback":
            import_module(_MARKING)  # which adds its part
        return next(found for found in vars(module).values() if isinstance(found, click.Command) and found.name == cmd_name)


@click.group("course", cls=_Course)
def course_command() -> None:
    """Write assignments, hand them out and in, grade them, give them back."""
