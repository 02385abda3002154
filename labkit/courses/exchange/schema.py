"""The tables of nbgrader's gradebook (``gradebook.db``, SQLite) as version 0.9 has them."""

from __future__ import annotations

__all__ = ["ALEMBIC_VERSION", "TABLES"]

ALEMBIC_VERSION = "e43177bfe90b"  # of nbgrader 0.8 and 0.9; with another, nbgrader asks for 'nbgrader db upgrade'

# Table, its columns, its further constraints. All ids but people's and courses' are 32 hex digits.
_ID = "id VARCHAR(32) NOT NULL PRIMARY KEY"
TABLES: dict[str, tuple[str, ...]] = {
    "alembic_version": ("version_num VARCHAR(32) NOT NULL",),
    "course": ("id VARCHAR(128) NOT NULL PRIMARY KEY",),
    "student": (
        "id VARCHAR(128) NOT NULL PRIMARY KEY",
        "first_name VARCHAR(128)",
        "last_name VARCHAR(128)",
        "email VARCHAR(128)",
        "lms_user_id VARCHAR(128)",
    ),
    "assignment": (
        _ID,
        "name VARCHAR(128) NOT NULL UNIQUE",
        "duedate DATETIME",
        "course_id VARCHAR(128) NOT NULL REFERENCES course (id)",
    ),
    "notebook": (
        _ID,
        "name VARCHAR(128) NOT NULL",
        "assignment_id VARCHAR(32) REFERENCES assignment (id)",
        "kernelspec VARCHAR(1024)",
        "UNIQUE (name, assignment_id)",
    ),
    "base_cell": (
        _ID,
        "name VARCHAR(128) NOT NULL",
        "notebook_id VARCHAR(32) NOT NULL REFERENCES notebook (id)",
        "type VARCHAR(50)",
        "UNIQUE (name, notebook_id, type)",
    ),
    "grade_cells": (
        "id VARCHAR(32) NOT NULL PRIMARY KEY REFERENCES base_cell (id)",
        "max_score FLOAT NOT NULL",
        "cell_type VARCHAR(8) NOT NULL",
    ),
    "solution_cells": ("id VARCHAR(32) NOT NULL PRIMARY KEY REFERENCES base_cell (id)",),
    "task_cells": (
        "id VARCHAR(32) NOT NULL PRIMARY KEY REFERENCES base_cell (id)",
        "max_score FLOAT NOT NULL",
        "cell_type VARCHAR(8) NOT NULL",
    ),
    "source_cell": (
        _ID,
        "name VARCHAR(128) NOT NULL",
        "cell_type VARCHAR(8) NOT NULL",
        "locked BOOLEAN NOT NULL",
        "source TEXT",
        "checksum VARCHAR(128)",
        "notebook_id VARCHAR(32) REFERENCES notebook (id)",
        "UNIQUE (name, notebook_id)",
    ),
    "submitted_assignment": (
        _ID,
        "assignment_id VARCHAR(32) REFERENCES assignment (id)",
        "student_id VARCHAR(128) REFERENCES student (id)",
        "timestamp DATETIME",
        "extension DATETIME",
        "UNIQUE (assignment_id, student_id)",
    ),
    "submitted_notebook": (
        _ID,
        "assignment_id VARCHAR(32) REFERENCES submitted_assignment (id)",
        "notebook_id VARCHAR(32) REFERENCES notebook (id)",
        "flagged BOOLEAN",
        "late_submission_penalty FLOAT",
        "UNIQUE (notebook_id, assignment_id)",
    ),
    "grade": (
        _ID,
        "notebook_id VARCHAR(32) REFERENCES submitted_notebook (id)",
        "cell_id VARCHAR(32) REFERENCES base_cell (id)",
        "auto_score FLOAT",
        "manual_score FLOAT",
        "extra_credit FLOAT",
        "needs_manual_grade BOOLEAN NOT NULL",
        "UNIQUE (cell_id, notebook_id)",
    ),
    "comment": (
        _ID,
        "notebook_id VARCHAR(32) REFERENCES submitted_notebook (id)",
        "cell_id VARCHAR(32) REFERENCES base_cell (id)",
        "auto_comment TEXT",
        "manual_comment TEXT",
        "UNIQUE (cell_id, notebook_id)",
    ),
}
