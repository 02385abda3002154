"""Run by nbgrader's own Python: makes its quickstart course with graded submissions, or says what it finds in a course of ours.

``make FOLDER`` writes the course; ``open FOLDER`` prints what is in it, grades a submission anew and validates a solved notebook.
"""

import csv
import json
import os
import shutil
import sys
from pathlib import Path

import nbformat
import nbgrader
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.plugins import CsvExportPlugin
from nbgrader.validator import Validator
from traitlets.config import Config

STAMP = "2026-02-02 15:58:23.948203 UTC"


def api_of(course):
    os.chdir(course)
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.course_id = "course101"
    if (course / "source" / "header.ipynb").exists():
        config.IncludeHeaderFooter.header = "source/header.ipynb"
    return NbGraderAPI(config=config)


def done(answer):
    if not answer["success"]:
        sys.exit(answer.get("error", "") + answer.get("log", ""))


def solve(handed_out, source, target, ids):
    """Write the author's answers of these ids (all: None) into what was handed out."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(handed_out.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        answers = {
            cell.metadata.nbgrader.grade_id: cell.source
            for cell in nbformat.read(source / path.name, as_version=4).cells
            if "nbgrader" in cell.metadata
        }
        for cell in notebook.cells:
            said = cell.metadata.get("nbgrader", {})
            if said.get("solution") and (ids is None or said["grade_id"] in ids):
                cell.source = answers[said["grade_id"]]
        nbformat.write(notebook, target / path.name)
    (target / "timestamp.txt").write_text(STAMP)


def grades(course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "course101") as gradebook:
        CsvExportPlugin(to=str(course / "grades.csv")).export(gradebook)
    with open(course / "grades.csv") as file:
        return {row["student_id"]: [float(row["raw_score"]), float(row["max_score"]), row["timestamp"]] for row in csv.DictReader(file)}


def make(course):
    guide = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide" / "source"
    shutil.copytree(guide, course / "source")
    shutil.rmtree(course / "source" / "ps1_autotest", ignore_errors=True)  # its command "quickstart" leaves it out, too
    (course / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "course101"\nc.IncludeHeaderFooter.header = "source/header.ipynb"\n'
    )
    api = api_of(course)
    done(api.generate_assignment("ps1"))
    for student, ids in (("solved", None), ("half", {"squares"})):
        solve(course / "release" / "ps1", course / "source" / "ps1", course / "submitted" / student / "ps1", ids)
        if student == "half":
            (course / "submitted" / student / "ps1" / "problem2.ipynb").unlink()
        done(api.autograde("ps1", student, create=True))
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "course101") as gradebook:
        grade = gradebook.find_grade("sum_of_squares_equation", "problem1", "ps1", "solved")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 0.5, 0.25, False
        gradebook.find_comment("sum_of_squares_equation", "problem1", "ps1", "solved").manual_comment = "Almost."
        gradebook.db.commit()
    return grades(course)


def open_course(course):
    api = api_of(course)
    found = {"before": grades(course), "assignments": {one["name"]: one["max_score"] for one in api.get_assignments()}}
    found["submissions"] = {one["student"]: one["score"] for one in api.get_submissions("ps1")}
    done(api.generate_assignment("ps1", force=True))  # it takes our source, and finds the cells that it knows
    done(api.autograde("ps1", "half", force=True))
    found["after"] = grades(course)
    solve(course / "release" / "ps1", course / "source" / "ps1", course / "tried", None)
    found["valid"] = Validator().validate(str(course / "tried" / "problem1.ipynb"))
    return found


if __name__ == "__main__":
    act = {"make": make, "open": open_course}[sys.argv[1]]
    print(json.dumps(act(Path(sys.argv[2]).resolve()), default=str))
