"""Submissions that resemble one another: made by code, copied in the ways in which people copy, and written independently."""

from __future__ import annotations

import json
import random
import re

import pytest

from labkit.cli.course_similarity_commands import similarity_command
from labkit.courses.similarity import compare_submissions, similarity_page
from labkit.courses.similarity.fingerprints import GRAM, WINDOW, grams, winnow
from labkit.courses.similarity.tokens import folded, own_names, scan
from labkit.errors import InvalidInput, NotFound

GIVEN = '''
import numpy as np
from skimage import filters, measure, morphology

def load_everything(path):
    """What the professor gives to all."""
    pictures = {}
    for name in sorted(path.glob("*.png")):
        pixels = read_picture(name).astype(np.float32) / 255.0
        pictures[name.stem] = np.clip(pixels - np.median(pixels), 0, 1)
    return pictures
'''
STUB_SMOOTH = "def smooth(image):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
STUB_COUNT = "def count(image):\n    # YOUR CODE HERE\n    raise NotImplementedError()"

ADA_SMOOTH = """def smooth(image):
    # a mean over three by three pixels
    padded = np.pad(image, 1, mode="edge")
    result = np.zeros(image.shape, dtype=float)
    for dy in range(3):
        for dx in range(3):
            result += padded[dy : dy + image.shape[0], dx : dx + image.shape[1]]
    return result / 9
"""
ADA_COUNT = """def count(image):
    level = filters.threshold_otsu(smooth(image))
    above = morphology.remove_small_objects(smooth(image) > level, 20)
    labels = measure.label(above, connectivity=2)
    areas = [region.area for region in measure.regionprops(labels)]
    typical = np.median(areas) if areas else 1
    return sum(max(1, round(area / typical)) for area in areas)
"""
# The same task, solved by others.
OTHERS = [
    (
        """def smooth(image):
    kernel = np.ones((3, 3)) / 9.0
    return ndimage.convolve(image.astype(float), kernel, mode="nearest")
""",
        """def count(image):
    binary = smooth(image) > filters.threshold_li(image)
    distance = ndimage.distance_transform_edt(binary)
    peaks = feature.peak_local_max(distance, min_distance=5, labels=measure.label(binary))
    return len(peaks)
""",
    ),
    (
        """def smooth(image):
    h, w = image.shape
    out = image.copy().astype("float64")
    i = 1
    while i < h - 1:
        j = 1
        while j < w - 1:
            window = image[i - 1 : i + 2, j - 1 : j + 2]
            out[i, j] = window.mean()
            j += 1
        i += 1
    return out
""",
        """def count(image):
    mask = smooth(image) >= np.percentile(image, 90)
    seen, number = set(), 0
    for start in zip(*np.nonzero(mask)):
        if start in seen:
            continue
        number += 1
        stack = [start]
        while stack:
            y, x = stack.pop()
            if (y, x) in seen or not (0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]) or not mask[y, x]:
                continue
            seen.add((y, x))
            stack.extend([(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)])
    return number
""",
    ),
    (
        """def smooth(image):
    blurred = filters.gaussian(image, sigma=1)
    if blurred.max() > 1:
        blurred = blurred / blurred.max()
    assert blurred.shape == image.shape, "the shape must stay"
    return blurred
""",
        """def count(image):
    edges = filters.sobel(smooth(image))
    markers = np.zeros_like(image, dtype=int)
    markers[image < 0.2] = 1
    markers[image > 0.7] = 2
    regions = segmentation.watershed(edges, markers)
    numbered, total = ndimage.label(regions == 2)
    print("found", total)
    return total
""",
    ),
]


def cell(source: str, grade_id: str = "", kind: str = "answer") -> dict:
    flags = {"answer": (False, True, False), "test": (True, False, True), "locked": (False, False, True)}[kind]
    said = dict(zip(("grade", "solution", "locked"), flags, strict=True)) | {"grade_id": grade_id, "schema_version": 3}
    metadata = {"nbgrader": said} if grade_id else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def notebook(*cells: dict) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)})


def hand_in(folder, name: str, *cells: dict, **files: bytes):
    place = folder / name
    place.mkdir(parents=True)
    (place / "ps1.ipynb").write_text(notebook(*cells), encoding="utf-8")
    for file, data in files.items():
        (place / file).write_bytes(data)
    return place


def answers(smooth: str, count: str) -> list[dict]:
    return [cell(GIVEN), cell(smooth, "smooth"), cell("assert smooth(x).shape == x.shape", "t1", "test"), cell(count, "count")]


def renamed(source: str) -> str:
    words = {
        "padded": "bigger",
        "result": "out",
        "dy": "a",
        "dx": "b",
        "level": "cut",
        "above": "bright",
        "labels": "ids",
        "areas": "sizes",
    }
    words |= {"region": "thing", "typical": "usual", "area": "size_px"}
    return re.sub(r"(?<![.\w])[A-Za-z_]\w*", lambda found: words.get(found[0], found[0]), source)


@pytest.fixture
def release(tmp_path):
    return hand_in(tmp_path, "release", *answers(STUB_SMOOTH, STUB_COUNT), **{"weights.safetensors": b"given to all, byte by byte"})


@pytest.fixture
def classroom(tmp_path):
    folder = tmp_path / "submitted"
    for number, (smooth, count) in enumerate(OTHERS):
        hand_in(folder, f"other{number}", *answers(smooth, count))
    hand_in(folder, "ada", *answers(ADA_SMOOTH, ADA_COUNT))
    return folder


def shares(report) -> dict[frozenset[str], float]:
    return {frozenset((pair.first, pair.second)): pair.share for pair in report.pairs}


def test_independent_solutions_of_one_task_do_not_rank(classroom, release):
    """Four people who solved the same task for themselves: nothing is named."""
    assert compare_submissions(classroom, release).pairs == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda smooth, count: answers(smooth, count),
        lambda smooth, count: answers(renamed(smooth), renamed(count)),
        lambda smooth, count: [answers(smooth, count)[k] for k in (3, 2, 0, 1)],
        lambda smooth, count: answers(
            smooth.replace("    # a mean", "    # something else,\n\n    # or"), count.replace(" = ", "  =  ") + "# done"
        ),
        lambda smooth, count: [cell(line) for line in (count + smooth).splitlines()],
        lambda smooth, count: answers(smooth.replace("3", "4"), count.replace("20", "17")),
    ],
    ids=["copied", "renamed", "reordered", "commented", "in-small-cells", "other-numbers"],
)
def test_a_copy_is_found_whatever_was_changed(classroom, release, change):
    """Names, order, comments, layout, cells and numbers hide nothing."""
    hand_in(classroom, "bob", *change(ADA_SMOOTH, ADA_COUNT))
    report = compare_submissions(classroom, release)
    assert shares(report).keys() == {frozenset(("ada", "bob"))}
    assert report.pairs[0].share > 0.85


def test_half_a_copy_ranks_below_a_whole_one(classroom, release):
    """Who copied one of two answers shares about half."""
    hand_in(classroom, "bob", *answers(ADA_SMOOTH, OTHERS[1][1]))
    hand_in(classroom, "eve", *answers(renamed(ADA_SMOOTH), renamed(ADA_COUNT)))
    found = shares(compare_submissions(classroom, release))
    assert found[frozenset(("ada", "eve"))] > 0.9 > 0.75 > found[frozenset(("ada", "bob"))] > 0.3


def test_what_the_release_gave_counts_for_nothing(tmp_path, release):
    """Everybody has the professor's cells; without the release they would resemble one another."""
    folder = tmp_path / "submitted"
    for number, (smooth, count) in enumerate(OTHERS[:2]):
        hand_in(folder, f"other{number}", *answers(smooth, count))
    assert compare_submissions(folder, release).pairs == ()
    assert compare_submissions(folder, least_share=0.1).pairs != ()
    assert all(facts.given_tokens > 50 for facts in compare_submissions(folder, release).submissions)


def test_trivial_answers_do_not_rank(tmp_path, release):
    """The one line that everybody writes is no resemblance."""
    folder = tmp_path / "submitted"
    for name in ("ada", "bob", "eve"):
        hand_in(folder, name, *answers("def smooth(image):\n    return filters.gaussian(image, 2)", "def count(image):\n    return 7"))
    report = compare_submissions(folder, release)
    assert report.pairs == ()


def test_a_passage_says_where_it_is(classroom, release):
    """Cells and lines are those of each of the two, wherever the answer stands."""
    hand_in(classroom, "bob", cell("x = 1"), cell("# mine\n\n" + renamed(ADA_COUNT)), cell(GIVEN))
    (pair,) = compare_submissions(classroom, release).pairs
    places = {(p.first.cell, p.first.line, p.second.cell, p.second.line) for p in pair.passages}
    assert (4, 2, 2, 4) in places
    assert pair.passages[0].first.words.startswith("ps1.ipynb, cell 4, lines 2-")


def test_code_that_python_cannot_read_is_compared_all_the_same(classroom, release):
    """A missing bracket, a magic and half a string cost their own lines only."""
    hand_in(classroom, "bob", *answers(ADA_SMOOTH + "\n%timeit (((\nprint('oh\n", "if if if :\n" + renamed(ADA_COUNT)))
    report = compare_submissions(classroom, release)
    assert report.pairs[0].share > 0.8
    assert report.notes == ()


def test_identical_files_are_named_unless_they_were_given(classroom, release):
    """Weights with the same bytes are found under any name."""
    given = (release / "weights.safetensors").read_bytes()
    for name, weights in (("bob", b"W" * 5000), ("eve", b"W" * 5000), ("kim", b"V" * 5000)):
        hand_in(classroom, name, cell("pass"), **{f"{name}.safetensors": weights, "weights.safetensors": given, "empty.txt": b""})
    (file,) = compare_submissions(classroom, release).identical
    assert file.places == (("bob", "bob.safetensors"), ("eve", "eve.safetensors"))
    assert file.size == 5000


def test_what_most_of_the_class_has_says_nothing_of_two_people(tmp_path, release):
    """The lecture's own snippet, in everybody's answer, is set aside; a pair within that class is still found."""
    folder = tmp_path / "submitted"
    lines = random_answers(20)
    for number in range(20):
        hand_in(folder, f"s{number:02}", *answers(ADA_SMOOTH, lines[3 if number == 7 else number]))
    report = compare_submissions(folder, release)
    assert all(facts.common_tokens > 40 for facts in report.submissions)
    assert shares(report).keys() == {frozenset(("s03", "s07"))}


def test_a_broken_notebook_is_named_and_stops_nothing(classroom, release):
    """The others are compared."""
    (hand_in(classroom, "bob") / "ps1.ipynb").write_text('{"cells": [', encoding="utf-8")
    hand_in(classroom, "eve", *answers(ADA_SMOOTH, ADA_COUNT))
    report = compare_submissions(classroom, release)
    assert [note.where for note in report.notes] == ["bob/ps1.ipynb"]
    assert len(report.pairs) == 1


def test_the_page_stands_alone_and_escapes_what_people_wrote(tmp_path, release):
    """No script, nothing loaded, names and code as text; and it says "resemble"."""
    folder = tmp_path / "submitted"
    evil = '\n    note = "</pre><script>alert(1)</script>"\n    return note'
    for name in ("<b>ada</b>", "bob & eve"):
        hand_in(folder, name, *answers(ADA_SMOOTH + evil, ADA_COUNT))
    page = similarity_page(compare_submissions(folder, release), folder, title="<i>one</i>")
    assert "<script" not in page
    assert "<b>ada" not in page
    assert "<i>one</i>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "resemble" in page
    assert "cheat" not in page.lower()
    assert page == similarity_page(compare_submissions(folder, release), folder, title="<i>one</i>")


def test_the_command_writes_page_and_json(classroom, release, tmp_path, capsys):
    """`labkit course similarity` gives both."""
    hand_in(classroom, "bob", *answers(ADA_SMOOTH, ADA_COUNT))
    out = tmp_path / "page.html"
    similarity_command.main([str(classroom), "--release", str(release), "--out", str(out), "--json"], standalone_mode=False)
    answer = json.loads(capsys.readouterr().out)
    assert [answer["pairs"][0][key] for key in ("first", "second")] == ["ada", "bob"]
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_folder_that_is_none_is_refused(tmp_path):
    """What is missing is said."""
    with pytest.raises(NotFound):
        compare_submissions(tmp_path / "nothing")
    (tmp_path / "one").mkdir()
    with pytest.raises(InvalidInput, match="holds 1 submission"):
        compare_submissions(tmp_path)


def test_a_long_enough_passage_is_always_found():
    """The promise of winnowing: two sequences that share GRAM + WINDOW - 1 tokens share a fingerprint."""
    randomness = random.Random(7)
    for _ in range(200):
        same = [randomness.choice("abcdefg") for _ in range(GRAM + WINDOW - 1)]
        first, second = ([str(randomness.random()) for _ in range(randomness.randrange(40))] for _ in range(2))
        assert winnow(grams([*first, *same, *second])) & winnow(grams([*second, *same, *first]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("total = 0  # count\nfor k in range(10): total += k", "n=1\nfor item in range( 99 ):\n    n += item"),
        ("self.size = len(x)\nself.size", "self.extent = len(y)\nself.extent"),
        ('"""Doc."""\nx = "a"', "y = f'''b\nc'''"),
    ],
)
def test_folding_makes_alike_what_can_be_renamed(first, second):
    """Names, numbers, texts, comments and layout do not matter."""

    def kept(source):
        tokens = scan(source)
        return [folded(token, own_names(tokens)) for token in tokens]

    assert kept(first) == kept(second)


def test_attributes_of_libraries_stay():
    """`image.mean()` and `image.max()` are not the same answer."""
    assert [folded(t, frozenset()) for t in scan("image.mean()")] != [folded(t, frozenset()) for t in scan("image.max()")]


def random_answers(count: int) -> list[str]:
    """Return answers that have little in common."""
    randomness = random.Random(3)
    calls = [f"{name}{k}" for name in ("blur", "cut", "find", "join", "mark", "move", "pick", "scan", "sort", "turn") for k in range(8)]

    def statement(number: int) -> str:
        used = " + ".join(f"tools.{randomness.choice(calls)}(a[{k}])" for k in range(randomness.randint(1, 4)))
        return randomness.choice(
            (f"    v{number} = {used}", f"    if {used} > 3:\n        v{number} = [q for q in {used}]", f"    a.update({used})")
        )

    return ["def count(a):\n" + "\n".join(statement(k) for k in range(14)) for _ in range(count)]


def test_a_class_of_sixty_is_compared(tmp_path, release):
    """All pairs of sixty people: the one pair that is a copy is found, and no other."""
    folder = tmp_path / "submitted"
    texts = random_answers(60)
    for number in range(60):
        hand_in(folder, f"s{number:02}", *answers(random_answers(1)[0], texts[5 if number == 41 else number]))
    assert shares(compare_submissions(folder, release)).keys() == {frozenset(("s05", "s41"))}
