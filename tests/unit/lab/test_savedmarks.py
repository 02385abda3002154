"""What is seen in the browser against what is on the disk."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from labkit.client.workfolder import WorkFolder
from labkit.errors import Conflict, InvalidInput
from labkit_lab.savedmarks import check_saved, notebook_mark, text_mark
from labkit_lab.wire_sending import SavedDocument


def _notebook(*sources: str | list[str]) -> bytes:
    cells = [{"cell_type": "code", "source": source, "outputs": [], "metadata": {}} for source in sources]
    return json.dumps({"cells": cells}, ensure_ascii=True).encode()


def test_the_mark_of_a_notebook_is_its_cells() -> None:
    """A source in one piece or in lines is the same; half a character is what a browser makes of it; order and kind count."""
    assert notebook_mark(_notebook("a\nb")) == notebook_mark(_notebook(["a\n", "b"]))
    assert notebook_mark(_notebook("a", "b")) != notebook_mark(_notebook("ab"))
    assert notebook_mark(_notebook("ö \ud83d")) == hashlib.sha256("code 6\nö \ufffd\n".encode()).hexdigest()
    assert notebook_mark(b"{}") == ""


def test_the_mark_of_a_text_knows_no_line_ends() -> None:
    """As they differ between systems."""
    assert text_mark(b"a\r\nb\rc\n") == text_mark(b"a\nb\nc\n")


def test_an_older_file_is_refused(tmp_path: Path) -> None:
    """Another content, a file that is gone, and a path that leads out of the assignment."""
    (tmp_path / "ps1.ipynb").write_bytes(_notebook("old"))
    seen = SavedDocument(path="ps1.ipynb", kind="notebook", sha256=notebook_mark(_notebook("new")))
    with pytest.raises(Conflict, match="on the disk is not what you see") as caught:
        check_saved(WorkFolder(tmp_path), [seen])
    assert "Nothing was submitted" in caught.value.hint
    (tmp_path / "ps1.ipynb").write_bytes(_notebook("new"))
    check_saved(WorkFolder(tmp_path), [seen])
    (tmp_path / "ps1.ipynb").unlink()
    with pytest.raises(Conflict):
        check_saved(WorkFolder(tmp_path), [seen])
    with pytest.raises(InvalidInput):
        check_saved(WorkFolder(tmp_path), [seen.model_copy(update={"path": "../ps1.ipynb"})])
