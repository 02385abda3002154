"""`labkit course`: assignments, from their making to what comes back."""

from __future__ import annotations

from importlib import import_module

import click

__all__ = ["course_command"]

# Command -> module that holds it as NAME_command: writing an assignment and handing one in need different rooms.
_AUTHOR = "labkit.cli.course_author_commands"
_COMMANDS = {
    "check": _AUTHOR,
    "export-nbgrader": _AUTHOR,
    "import-nbgrader": _AUTHOR,
    "new": _AUTHOR,
    "preview": _AUTHOR,
    "test": "labkit.cli.course_grade_commands",
}


class _Course(click.Group):
    """Loads an author's command when it is asked for; others may have been added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_COMMANDS, *self.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        found: click.Command = getattr(import_module(_COMMANDS[cmd_name]), f"{cmd_name.replace('-', '_')}_command")
        return found


@click.group("course", cls=_Course)
def course_command() -> None:
    """Write assignments, look whether they are right, bring them from and to nbgrader."""
