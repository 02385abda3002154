"""A kernel that is killed at any moment: every edit that it acknowledged is there afterwards."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.annotations import Document, Editor, open_document
from labkit.annotations.edits import apply_edit
from labkit.project import Project
from labkit.testing.annotations import random_edits
from labkit.testing.pictures import noise_picture, write_png
from labkit.testing.repetitions import repetitions
from labkit.tiling import import_image

REPEAT = repetitions(2, full=50)
EDITS = 200
_PROGRAM = """
import sys
from labkit.annotations import Editor
from labkit.project import Project
from labkit.testing.annotations import random_edits

editor = Editor(Project.open(sys.argv[1]), sys.argv[2], "Ada")
for number, edit in enumerate(random_edits(int(sys.argv[3]), int(sys.argv[4])), 1):
    editor.apply(edit(editor.document), client="kernel", number=number)
    print(number, flush=True)
print("end", flush=True)
sys.stdin.read()
"""


def _killed_after(project: Project, image_id: str, seed: int, acknowledgements: int) -> int:
    """Let a process draw, kill it after so many acknowledgements, and return how many it gave."""
    program = [sys.executable, "-c", _PROGRAM, str(project.path), image_id, str(seed), str(EDITS)]
    child = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    seen = 0
    for line in child.stdout:
        seen = int(line)
        if seen >= acknowledgements:
            break
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()  # not communicate(), which passes over what is read ahead
    child.wait()
    child.stdin.close()
    child.stdout.close()
    return max([seen, *(int(line) for line in rest.split() if line.isdigit())])


@pytest.mark.parametrize("attempt", range(REPEAT))
def test_acknowledged_edits_outlive_a_kill(tmp_path: Path, attempt: int) -> None:
    """200 random edits, killed after any of them: none that was acknowledged is missing, and undo and redo lead there and back."""
    rng = random.Random(attempt)
    project = Project.create(tmp_path, "cells")
    image = import_image(project, write_png(tmp_path / "a.png", noise_picture(40, 60)))
    acknowledged = _killed_after(project, image.id, attempt, rng.randint(1, EDITS))
    states = [Document(image.id, "Ada")]
    for edit in random_edits(attempt, EDITS):
        states.append(apply_edit(states[-1], edit(states[-1])))
    found = open_document(project, image.id, "Ada")
    matching = [k for k in (acknowledged, acknowledged + 1) if k < len(states) and _same(found, states[k])]
    assert matching
    editor = Editor(project, image.id, "Ada")
    while editor.undo().changed:
        pass
    assert _same(editor.document, states[0])
    while editor.redo().changed:
        pass
    assert _same(editor.document, found)
    assert open_document(project, image.id, "Ada") == editor.document


def test_two_programs_draw_in_one_document(tmp_path: Path) -> None:
    """Each adds its objects at the same time; all are there, every line of the journal is whole, and one history leads back to nothing."""
    project = Project.create(tmp_path, "cells")
    image = import_image(project, write_png(tmp_path / "a.png", noise_picture(40, 60)))
    program = _PROGRAM.replace("random_edits(", "fresh_objects(").replace("import random_edits", "import fresh_objects")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program.replace('"kernel"', f'"kernel {seed}"'), str(project.path), image.id, str(seed), "150"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2)
    ]
    for child in children:
        output, _ = child.communicate("")
        assert output.split()[-1] == "end"
    document = open_document(project, image.id, "Ada")
    assert (len(document.objects), document.revision) == (300, 300)
    editor = Editor(project, image.id, "Ada")
    while editor.undo().changed:
        pass
    assert editor.document.objects == ()


def _same(a: Document, b: Document) -> bool:
    return (a.objects, a.completed_tasks) == (b.objects, b.completed_tasks)
