"""``nbgrader_config.py``, read and never run: only settings that are given as plain values are seen."""

from __future__ import annotations

import ast
from pathlib import Path

from labkit.courses.code import parse_code

__all__ = ["CONFIG_FILE", "config_text", "read_config", "unknown_settings"]

CONFIG_FILE = "nbgrader_config.py"
# What is understood, or makes no difference here.
_UNDERSTOOD = {
    "CourseDirectory.course_id",
    "CourseDirectory.root",
    "CourseDirectory.source_directory",
    "CourseDirectory.release_directory",
    "CourseDirectory.submitted_directory",
    "CourseDirectory.autograded_directory",
    "CourseDirectory.feedback_directory",
    "IncludeHeaderFooter.header",
    "IncludeHeaderFooter.footer",
}
_HARMLESS = ("Exchange.", "FormgradeApp.", "FormgradeHandler.", "Application.", "NbGrader.", "ExchangeFactory.")


def read_config(path: Path) -> dict[str, object]:
    """Return the settings ``c.Class.name = value`` whose value is written out; for others, None."""
    tree = parse_code(path.read_bytes().decode(errors="replace")) if path.is_file() else None
    found: dict[str, object] = {}
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target = node.targets[0]
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Attribute) and isinstance(target.value.value, ast.Name):
            try:
                found[f"{target.value.attr}.{target.attr}"] = ast.literal_eval(node.value)
            except (ValueError, TypeError, RecursionError):
                found[f"{target.value.attr}.{target.attr}"] = None
    return found


def unknown_settings(config: dict[str, object]) -> list[str]:
    """Return the settings that change what nbgrader does with a notebook, and that are not carried over."""
    return sorted(name for name in config if name not in _UNDERSTOOD and not name.startswith(_HARMLESS))


def config_text(course: str) -> str:
    """Return a configuration with which nbgrader opens a course."""
    return f"c = get_config()  # noqa: F821\nc.CourseDirectory.course_id = {course!r}\n"
