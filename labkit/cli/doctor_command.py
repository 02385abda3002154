"""`labkit doctor`."""

from __future__ import annotations

import click

from labkit.checkup import examine
from labkit.cli.app import command
from labkit.cli.console import Answer

__all__ = ["doctor_command"]

_MARKS = {"ok": "ok    ", "absent": "absent", "fault": "FAULT "}


@click.command("doctor")
@command
def doctor_command() -> Answer:
    """Look whether everything is in place; exit 3 if something is broken."""
    findings = examine()
    lines = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.state]}  {finding.name}: {finding.detail}")
        if finding.hint:
            lines.append(f"        {finding.hint}")
    healthy = all(f.state != "fault" for f in findings)
    data = {"ok": healthy, "findings": [f.model_dump(mode="json") for f in findings]}
    return Answer(data, tuple(lines), exit_code=0 if healthy else 3)
