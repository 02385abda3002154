"""`labkit import`, `annotations`, `trainset` and `verify`: what they answer, and bad input that leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from labkit.annotations import EXPORT_FORMATS
from labkit.project import Project
from labkit.testing.commands import Done, files_in
from labkit.testing.pictures import noise_picture, two_disc_labels, two_disc_picture, write_jpeg, write_png, write_tiff

LabKit = Callable[..., Done]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A TIFF of two discs."""
    return write_tiff(tmp_path / "discs.tif", two_disc_picture())


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Its label image."""
    return write_tiff(tmp_path / "discs-labels.tif", two_disc_labels())


@pytest.fixture
def imported(labkit_in: LabKit, picture: Path) -> Path:
    """The picture, after it has been imported into `project`."""
    assert labkit_in("import", picture).exit_code == 0
    return picture


@pytest.fixture
def annotated(labkit_in: LabKit, imported: Path, labels: Path) -> Path:
    """The picture, with its label image imported too."""
    assert labkit_in("annotations", "import", imported.name, labels).exit_code == 0
    return imported


def _bad_file(kind: str, folder: Path) -> Path:
    path = folder / (kind + {"cut-png": ".png", "cut-jpeg": ".jpg"}.get(kind, ".tif"))
    if kind == "text":
        path.write_text("no picture at all\n" * 20)
    elif kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind.startswith("cut"):
        pixels = noise_picture(300, 300)
        write = {"cut-png": write_png, "cut-jpeg": write_jpeg, "cut-tiff": write_tiff}[kind]
        write(path, pixels)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


BAD_FILES = {
    "text": "UnreadableImage",
    "empty": "UnreadableImage",
    "folder": "NotFound",
    "missing": "NotFound",
    "cut-png": "UnreadableImage",
    "cut-jpeg": "UnreadableImage",
    "cut-tiff": "UnreadableImage",
}


@pytest.mark.parametrize(("kind", "error"), BAD_FILES.items())
def test_a_bad_picture_leaves_nothing(labkit_in: LabKit, project: Project, tmp_path: Path, kind: str, error: str) -> None:
    """What is no whole picture is refused in one line with a hint, and the project is as it was."""
    path, before = _bad_file(kind, tmp_path), files_in(project.path)
    done = labkit_in("import", path, "--json")
    assert (done.exit_code, done.error["type"]) == (2, error)
    assert path.name in done.error["message"]
    assert done.error["hint"]
    assert files_in(project.path) == before
    plain = labkit_in("import", path)
    assert (plain.exit_code, plain.stdout, len(plain.stderr.splitlines())) == (2, "", 2)


def test_one_bad_picture_does_not_stop_the_others(labkit_in: LabKit, project: Project, picture: Path, tmp_path: Path) -> None:
    """Of several files the good ones are imported; the bad one is named and the exit code is 2."""
    bad, second = _bad_file("cut-tiff", tmp_path), write_png(tmp_path / "second.png", noise_picture(20, 30))
    done = labkit_in("import", picture, bad, second, "--json")
    assert done.exit_code == 2
    assert [image["name"] for image in done.json["images"]] == ["discs.tif", "second.png"]
    [failed] = done.json["failed"]
    assert (failed["file"], failed["type"]) == (str(bad), "UnreadableImage")
    assert failed["message"]
    assert failed["hint"]
    assert [image.name for image in project.images()] == ["discs.tif", "second.png"]
    assert not list((project.path / "images").glob(".*"))


def test_one_bad_picture_is_a_line_among_the_others(labkit_in: LabKit, picture: Path, tmp_path: Path) -> None:
    """For a person, each image is one line; what failed goes to standard error, with its hint, after which file was which."""
    bad = _bad_file("empty", tmp_path)
    done = labkit_in("import", picture, bad)
    assert done.exit_code == 2
    assert done.stdout.startswith("discs.tif: image ")
    assert len(done.stdout.splitlines()) == 1
    assert [line.split(":")[0] for line in done.stderr.splitlines()][:3] == ["File 1 of 2", "File 2 of 2", "labkit"]
    assert len(done.stderr.splitlines()) == 4
    assert str(bad) in done.stderr


def test_import_answers_what_it_made(labkit_in: LabKit, project: Project, picture: Path) -> None:
    """The answer is the image's record, with the name and the pixel size that were given."""
    done = labkit_in("import", picture, "--name", "mine", "--pixel-size", "0.25", "--json")
    assert done.exit_code == 0
    [image] = done.json["images"]
    [record] = project.images()
    assert image == record.model_dump(mode="json")
    assert (record.name, record.pixel_size_um, record.shape) == ("mine", (0.25, 0.25), (96, 128))
    assert done.stderr == ""


def test_importing_again_is_the_same_image(labkit_in: LabKit, project: Project, imported: Path) -> None:
    """A picture is in the project once."""
    done = labkit_in("import", imported, "--json")
    assert [image["id"] for image in done.json["images"]] == [image.id for image in project.images()]


@pytest.mark.parametrize(
    "options",
    [("--pixel-size", "0"), ("--pixel-size", "-1"), ("--pixel-size", "nan"), ("--pixel-size", "inf"), ("--name", ""), ("--name", " ")],
)
def test_bad_options_of_import_leave_nothing(labkit_in: LabKit, project: Project, picture: Path, options: tuple[str, str]) -> None:
    """A size or a name that cannot be is refused before anything is read."""
    before = files_in(project.path)
    done = labkit_in("import", picture, *options, "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert files_in(project.path) == before


def test_a_name_goes_with_one_file(labkit_in: LabKit, project: Project, picture: Path, labels: Path) -> None:
    """Two images of one name would be a trap."""
    done = labkit_in("import", picture, labels, "--name", "mine", "--json")
    assert (done.exit_code, project.images()) == (2, ())


def test_labels_come_in_and_go_out_again(labkit_in: LabKit, annotated: Path, tmp_path: Path) -> None:
    """The label image that is exported holds the same objects as the one that was imported."""
    target = tmp_path / "out.tif"
    done = labkit_in("annotations", "export", annotated.name, target, "--json")
    assert (done.exit_code, done.json) == (0, {"file": str(target), "warnings": []})
    assert np.array_equal(tifffile.imread(target), two_disc_labels())


@pytest.mark.parametrize("format_", EXPORT_FORMATS)
def test_each_format_goes_out_and_comes_in(labkit_in: LabKit, annotated: Path, tmp_path: Path, format_: str) -> None:
    """The names on the command line are those of the library, and what each writes it reads."""
    endings = {"labels": ".tif", "mask": ".tif", "voc": ".xml", "yolo": ".txt", "yolo-seg": ".txt", "ome-zarr": ".zarr"}
    target = tmp_path / f"out{endings.get(format_, '.json')}"
    done = labkit_in("annotations", "export", annotated.name, target, "--format", format_, "--json")
    assert done.exit_code == 0, done
    done = labkit_in("annotations", "import", annotated.name, target, "--author", "Zoë", "--class", "nucleus", "--json")
    assert (done.exit_code, done.json["added"]) == (0, 1 if format_ == "mask" else 2)


def test_an_exported_label_image_verifies(labkit_in: LabKit, annotated: Path, tmp_path: Path) -> None:
    """Its levels are those of the image that it names."""
    assert labkit_in("annotations", "export", annotated.name, tmp_path / "out.zarr").exit_code == 0
    assert labkit_in("verify", tmp_path / "out.zarr").exit_code == 0


def test_what_an_export_leaves_behind_is_printed(labkit_in: LabKit, annotated: Path, tmp_path: Path) -> None:
    """A line per object for people, all of them for programs."""
    done = labkit_in("annotations", "export", annotated.name, tmp_path / "out.xml")
    assert done.stdout.count("warning: object ") >= 2
    done = labkit_in("annotations", "export", annotated.name, tmp_path / "two.xml", "--json")
    assert len(done.json["warnings"]) >= 2


def test_automatic_outlines_are_moved_on_demand(labkit_in: LabKit, imported: Path, tmp_path: Path) -> None:
    """--shift-auto reaches the reader of Labeller's files."""
    label = {"label_type": "point", "label_class": "cell", "position": {"x": 3, "y": 4}, "source": "auto:dextr"}
    (tmp_path / "a__labels.json").write_text(json.dumps([label]))
    assert labkit_in("annotations", "import", imported.name, tmp_path / "a__labels.json", "--shift-auto").exit_code == 0
    assert labkit_in("annotations", "export", imported.name, tmp_path / "b__labels.json").exit_code == 0
    assert json.loads((tmp_path / "b__labels.json").read_text())["labels"][0]["position"] == {"x": 3.5, "y": 4.5}


def test_annotations_import_answers_what_it_did(labkit_in: LabKit, imported: Path, labels: Path) -> None:
    """The answer counts the objects and names the author; a second time nothing is added."""
    first = labkit_in("annotations", "import", imported.name, labels, "--json").json
    assert (first["added"], first["skipped"], first["finished"], first["author"]) == (2, 0, True, "tester")
    second = labkit_in("annotations", "import", imported.name, labels, "--json").json
    assert (second["added"], second["skipped"], second["objects"]) == (0, 2, 2)


def test_unfinished_is_kept(labkit_in: LabKit, imported: Path, labels: Path) -> None:
    """--unfinished says that there is more in the picture than in the file."""
    assert labkit_in("annotations", "import", imported.name, labels, "--unfinished", "--json").json["finished"] is False


@pytest.mark.parametrize("kind", [*BAD_FILES, "wrong-size", "negative", "broken-geojson", "jpeg"])
def test_a_bad_file_of_annotations_changes_nothing(labkit_in: LabKit, project: Project, annotated: Path, tmp_path: Path, kind: str) -> None:
    """Neither objects nor classes of a file that cannot be used get into the project."""
    path = _bad_file(kind, tmp_path)
    if kind == "wrong-size":
        write_tiff(path, two_disc_labels(96, 127))
    elif kind == "negative":
        tifffile.imwrite(path, two_disc_labels().astype(np.int16) - 1)
    elif kind == "broken-geojson":
        path.write_text('{"type": "FeatureCollection", "features": [{"type": ')
    elif kind == "jpeg":
        write_jpeg(path, two_disc_picture())
    before = files_in(project.path)
    done = labkit_in("annotations", "import", annotated.name, path, "--class", "new", "--json")
    assert done.exit_code == 2
    assert done.error["message"]
    assert done.error["hint"]
    assert files_in(project.path) == before


def test_a_label_image_needs_a_class(labkit: LabKit, labels: Path, picture: Path, tmp_path: Path) -> None:
    """Where the project has no class, or several, the hint says how to name one."""
    labkit("project", "create", "two", "--class", "axon", "--class", "myelin")
    here = tmp_path / "two"
    labkit("import", picture, here=here)
    before = files_in(here)
    done = labkit("annotations", "import", picture.name, labels, "--json", here=here)
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert "--class" in done.error["hint"]
    assert "axon, myelin" in done.error["hint"]
    assert files_in(here) == before


@pytest.mark.parametrize("name", ["", "c" * 201])
def test_a_class_that_cannot_be_is_refused(labkit_in: LabKit, project: Project, imported: Path, labels: Path, name: str) -> None:
    """A class needs a name that fits on a button."""
    before = files_in(project.path)
    done = labkit_in("annotations", "import", imported.name, labels, "--class", name, "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert files_in(project.path) == before


@pytest.mark.parametrize(
    "command",
    [
        ("annotations", "import", "nothing", "{labels}"),
        ("annotations", "export", "nothing", "{out}"),
        ("annotations", "export", "discs.tif", "{out}", "--author", "nobody"),
        ("trainset", "build", "set", "--image", "nothing"),
        ("verify", "nothing"),
    ],
)
def test_what_is_not_there_is_named(
    labkit_in: LabKit, project: Project, annotated: Path, labels: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """An unknown image, author or path is exit 2; the hint names those there are, or what to look at."""
    before, out = files_in(project.path), tmp_path / "out.tif"
    done = labkit_in(*(part.format(labels=labels, out=out) for part in command), "--json")
    assert (done.exit_code, done.error["type"]) == (2, "NotFound")
    assert done.error["hint"]
    assert files_in(project.path) == before
    assert not out.exists()


def test_export_replaces_a_file_only_on_purpose(labkit_in: LabKit, annotated: Path, tmp_path: Path) -> None:
    """What is there stays, unless --overwrite is given."""
    target = tmp_path / "out.geojson"
    target.write_text("mine")
    refused = labkit_in("annotations", "export", annotated.name, target, "--json")
    assert (refused.exit_code, refused.error["type"], target.read_text()) == (2, "AlreadyExists", "mine")
    assert "--overwrite" in refused.error["hint"] or "overwrite" in refused.error["hint"]
    assert labkit_in("annotations", "export", annotated.name, target, "--overwrite").exit_code == 0
    assert "FeatureCollection" in target.read_text()


@pytest.mark.parametrize("name", ["out.xyz", "out", "no folder/out.tif/out.tif"])
def test_a_file_that_export_cannot_write_is_refused(labkit_in: LabKit, annotated: Path, tmp_path: Path, name: str) -> None:
    """An ending that names no format, or a folder that is a file, is exit 2."""
    (tmp_path / "no folder").mkdir()
    (tmp_path / "no folder" / "out.tif").write_text("mine")
    before = files_in(tmp_path)
    done = labkit_in("annotations", "export", annotated.name, tmp_path / name, "--json")
    assert done.exit_code == 2
    assert done.error["hint"]
    assert files_in(tmp_path) == before


def test_trainset_build_answers_its_manifest(labkit_in: LabKit, annotated: Path) -> None:
    """The answer names the set, its parts and what is in them; building again gives the same set."""
    command = ("trainset", "build", "discs", "--chip", "32", "--gap", "8", "--json")
    first, second = labkit_in(*command), labkit_in(*command)
    assert first.exit_code == 0
    assert first.json == second.json
    assert first.json["key"] == f"discs@{first.json['hash']}"
    assert first.json["parts"]["train"]["chips"] > 0
    assert [c["name"] for c in first.json["classes"]] == ["nucleus"]


def test_trainset_build_takes_boxes(labkit_in: LabKit, annotated: Path) -> None:
    """--box says by hand which pixels go into which part."""
    boxes = ("--box", "train:0,0,96,64", "--box", "test:0,80,96,128")
    done = labkit_in("trainset", "build", "discs", "--chip", "32", *boxes, "--json")
    assert [(b["part"], b["box"]) for b in done.json["split"]] == [("train", [0, 0, 96, 64]), ("test", [0, 80, 96, 128])]


@pytest.mark.parametrize(
    "options",
    [
        ("--chip", "15"),
        ("--chip", "100000"),
        ("--chip", "-1"),
        ("--gap", "-1"),
        ("--gap", "1000"),
        ("--fractions", "0.5,0.5"),
        ("--fractions", "a,b,c"),
        ("--fractions", "0.5,0.5,0.5"),
        ("--fractions", "0,0.5,0.5"),
        ("--fractions", "nan,0,1"),
        ("--fractions", "-1,1,1"),
        ("--split", "images"),
        ("--box", "train:0,0,96"),
        ("--box", "train:a,b,c,d"),
        ("--box", "study:0,0,96,64"),
        ("--box", "train:0,0,96,1000"),
        ("--box", "train:-5,0,96,64"),
        ("--box", "train:50,0,20,64"),
        ("--box", "train:0,0,96,64", "--box", "test:0,60,96,128"),
        ("--author", "nobody"),
    ],
)
def test_a_set_that_cannot_be_is_not_built(labkit_in: LabKit, project: Project, annotated: Path, options: tuple[str, ...]) -> None:
    """Sizes, shares and boxes that make no sense are refused with a hint, and nothing is left of the set."""
    before = files_in(project.path)
    done = labkit_in("trainset", "build", "discs", *options, "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert done.error["hint"]
    assert files_in(project.path) == before


@pytest.mark.parametrize("name", ["", "a/b", "..", "a@b", "n" * 300])
def test_a_set_needs_a_name(labkit_in: LabKit, project: Project, annotated: Path, name: str) -> None:
    """The name becomes part of a folder's and of the key."""
    before = files_in(project.path)
    done = labkit_in("trainset", "build", name, "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert files_in(project.path) == before


def test_a_box_needs_one_image(labkit_in: LabKit, project: Project, annotated: Path, tmp_path: Path) -> None:
    """With several images --box must be told which one is meant."""
    labkit_in("import", write_png(tmp_path / "second.png", noise_picture(20, 30)))
    done = labkit_in("trainset", "build", "discs", "--box", "train:0,0,96,64", "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert "--image" in done.error["hint"]


def test_an_empty_project_has_nothing_to_learn(labkit_in: LabKit) -> None:
    """A set of no annotated image is refused with what to do first."""
    done = labkit_in("trainset", "build", "discs", "--json")
    assert (done.exit_code, done.error["type"]) == (2, "InvalidInput")
    assert "nnotat" in done.error["hint"]


def test_verify_accepts_project_and_image(labkit: LabKit, project: Project, annotated: Path) -> None:
    """What the commands made is sound, as a project and as an image store."""
    [image] = project.images()
    for path, kind in ((project.path, "project"), (project.path / "images" / image.id / "image.ome.zarr", "image")):
        done = labkit("verify", path, "--json")
        assert (done.exit_code, done.json["kind"], done.json["ok"], done.json["faults"]) == (0, kind, True, [])
        assert done.json["checked"] > 0


def test_verify_names_the_faults_and_exits_3(labkit: LabKit, project: Project, annotated: Path) -> None:
    """A shard that lost bytes is named, for people and for programs."""
    [image] = project.images()
    store = project.path / "images" / image.id / "image.ome.zarr"
    shard = max((p for p in store.rglob("c/**/*") if p.is_file()), key=lambda p: p.stat().st_size)
    shard.write_bytes(shard.read_bytes()[:-9])
    done = labkit("verify", project.path, "--json")
    assert (done.exit_code, done.json["ok"]) == (3, False)
    assert str(shard.relative_to(store)) in done.json["faults"][0]
    plain = labkit("verify", project.path)
    assert (plain.exit_code, plain.stdout.splitlines()) == (3, done.json["faults"])
