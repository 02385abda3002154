"""Documents are saved whole, by one writer at a time, and never over somebody's newer work."""

import signal
import subprocess
import sys

import pytest

from labkit.annotations import (
    AnnotationObject,
    Document,
    authors,
    new_object,
    open_document,
    resolve_author,
    save_document,
    store,
    validate,
)
from labkit.annotations.records import document_from_bytes
from labkit.errors import Conflict, CorruptStore, NotFound
from labkit.geometry import Ellipse, Mask, Point, Rectangle, Region
from labkit.project import Project
from labkit.testing.shapes import lake_with_island, noise_labels, square, star


def test_a_document_that_is_not_there_is_new(project, image):
    """Opening makes nothing on disk."""
    document = open_document(project, image.id, "Ada")
    assert document == Document(image.id, "Ada")
    assert authors(project, image.id) == ()
    assert not project.layout.annotations.exists()


def test_everything_comes_back_exactly(project, image):
    """All kinds, float coordinates, coordinates outside the image, attributes, marks and text of any script."""
    objects = [
        new_object(lake_with_island(), class_id=1, author="Zoë", source="model:unet 3"),
        new_object(star(1, (-5, 70), (0.1, 33), 99), class_id=2),
        new_object(Rectangle(0.1, 1 / 3, 2.5, 1e-7 + 7)),
        new_object(Point(1e-9, 39.999999999999996), z=3),
        new_object(Ellipse(10, 20.25, 7.5, 1 / 3, 0.7), class_id=2, status="proposed", source="model:unet 3"),
        new_object(Mask.from_array(noise_labels(1, (300, 290), 1).astype(bool), 5, 7), class_id=1, status="rejected"),
        new_object(Rectangle(0, 0, 40, 60), kind="area"),
        new_object(Region((square(0, 0, 9, 9),)), kind="area", attributes={"note": 'ß 細胞 "/\n', "n": [1, 2.5, None, {"a": True}]}),
    ]
    document = Document(image.id, "Ada", completed_tasks=("outline", "finished"), objects=tuple(objects))
    saved = save_document(project, document)
    assert saved.revision == 1
    assert open_document(project, image.id, "Ada") == saved


@pytest.mark.parametrize("author", ["Ada", "zoë b", "a/b", "..", ".hidden", "細胞", "%41"])
def test_any_author_has_a_folder_of_their_own(project, image, author):
    """Names that are no file names come back as they are, and lead nowhere else."""
    save_document(project, Document(image.id, author))
    assert authors(project, image.id) == (author,)
    assert open_document(project, image.id, author).author == author
    assert len(list(project.layout.annotations.glob("*/*/snapshot.geojson"))) == 1


def test_a_snapshot_is_parsed_once(project, image, monkeypatch):
    """However often it is opened; one that took its place is read anew."""
    saved = save_document(project, open_document(project, image.id, "Ada").with_objects([new_object(Point(1, 2))]))
    parsed = []

    def count(data, *, name):
        parsed.append(name)
        return document_from_bytes(data, name=name)

    monkeypatch.setattr(store, "document_from_bytes", count)
    assert [open_document(project, image.id, "Ada") for _ in range(3)] == [saved] * 3
    assert len(parsed) == 1
    again = save_document(project, saved.with_objects([new_object(Point(3, 4))]))
    assert open_document(project, image.id, "Ada") == again
    assert len(parsed) == 2


def test_a_stale_save_is_refused_and_merges_by_id(project, image):
    """A and B open revision 1; A saves; B is refused, adds its object to revision 2, and both objects exist."""
    save_document(project, Document(image.id, "Ada"))
    tab_a, tab_b = (open_document(project, image.id, "Ada") for _ in "ab")
    a, b = new_object(Point(1, 1)), new_object(Point(2, 2))
    save_document(project, tab_a.with_object(a))
    with pytest.raises(Conflict) as caught:
        save_document(project, tab_b.with_object(b))
    assert (caught.value.stored, caught.value.yours) == (2, 1)
    save_document(project, open_document(project, image.id, "Ada").with_objects([b]))
    assert open_document(project, image.id, "Ada").objects == (a, b)


def test_a_new_document_does_not_overwrite_an_old_one(project, image):
    """Revision 0 is as stale as any other."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Point(1, 1)),)))
    with pytest.raises(Conflict):
        save_document(project, Document(image.id, "Ada"))


def test_a_late_save_goes_to_its_own_image(project, image, make_image):
    """The document carries the id of the image that it was opened for."""
    other = make_image("image2", 40, 60)
    late = open_document(project, image.id, "Ada").with_object(new_object(Point(1, 1)))
    open_document(project, other.id, "Ada")
    save_document(project, late)
    assert authors(project, image.id) == ("Ada",)
    assert authors(project, other.id) == ()


@pytest.mark.parametrize("image_id", ["nowhere", "../study", "", "."])
def test_an_unknown_image_has_no_document(project, image_id):
    """Nothing is written outside of the images of the project."""
    with pytest.raises(NotFound):
        open_document(project, image_id, "Ada")
    with pytest.raises(NotFound):
        save_document(project, Document(image_id, "Ada"))
    assert not project.layout.annotations.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"type":"FeatureCollection","features":[]}'])
def test_a_broken_snapshot_is_named(project, image, content):
    """It is an error of its own, not an empty document that would replace it."""
    save_document(project, Document(image.id, "Ada"))
    project.layout.annotation(image.id, "Ada").snapshot.write_bytes(content)
    with pytest.raises(CorruptStore, match=r"snapshot\.geojson"):
        open_document(project, image.id, "Ada")
    with pytest.raises(CorruptStore):
        save_document(project, Document(image.id, "Ada"))


def test_a_class_added_meanwhile_is_named_in_the_file(project, image):
    """A project that was opened before another program added the class still writes the name."""
    added = Project.open(project.path).add_classes(["Zellkern-ß 細胞"]).class_named("Zellkern-ß 細胞")
    save_document(project, Document(image.id, "Ada", objects=(new_object(Point(1, 1), class_id=added.id),)))
    assert added.name in project.layout.annotation(image.id, "Ada").snapshot.read_text(encoding="utf-8")


def test_the_author_is_found(monkeypatch):
    """As given, else by LABKIT_AUTHOR, else by the hub's user, else by the login name."""
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")
    monkeypatch.setenv("JUPYTERHUB_USER", "student")
    assert resolve_author("Zoë") == "Zoë"
    assert resolve_author() == "Ada"
    monkeypatch.delenv("LABKIT_AUTHOR")
    assert resolve_author(None) == "student"
    monkeypatch.delenv("JUPYTERHUB_USER")
    monkeypatch.setattr("getpass.getuser", lambda: "login")
    assert resolve_author() == "login"


SAVER = """
import sys
from labkit.annotations import new_object, open_document, save_document
from labkit.geometry import Region
from labkit.project import Project
from labkit.testing.shapes import star
project = Project.open(sys.argv[1])
document = open_document(project, sys.argv[2], "Ada")
while True:
    document = save_document(project, document.with_object(new_object(star(document.revision, (20, 20), (5, 20), 300))))
    print(document.revision, flush=True)
"""


def test_a_killed_save_leaves_the_old_or_the_new_document(project, image):
    """SIGKILL in the midst of saving, several times: what was acknowledged is there, whole, and the next save works."""
    for kill in range(4):
        saver = subprocess.Popen([sys.executable, "-c", SAVER, str(project.path), image.id], stdout=subprocess.PIPE, text=True)
        acknowledged = 0
        for _ in range(3 + kill):
            acknowledged = int(saver.stdout.readline())
        saver.send_signal(signal.SIGKILL)
        rest = saver.communicate()[0].split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        document = open_document(project, image.id, "Ada")
        assert document.revision in (acknowledged, acknowledged + 1)
        assert len(document.objects) == document.revision
    saved = save_document(project, document.with_task())
    folder = project.layout.annotation(image.id, "Ada").root
    assert open_document(project, image.id, "Ada") == saved
    assert {path.name for path in folder.iterdir()} <= {"snapshot.geojson", ".lock"}


def test_validation_names_objects(image):
    """No pixel, outside, across the border, without class, twice: each with the id; nothing else is said."""
    tiny, outside, across = Region((square(2.1, 2.1, 2.4, 2.4),)), Rectangle(50, 0, 60, 9), Rectangle(30, 50, 45, 70)
    fine = new_object(Rectangle(0, 0, 40, 60), class_id=1)
    bad = [new_object(shape, class_id=1) for shape in (tiny, outside, across)]
    twin = AnnotationObject(id=new_object(Point(0, 0)).id, kind="box", shape=fine.shape, class_id=1)
    bare = new_object(Point(3, 3))
    warnings = validate(Document(image.id, "Ada", objects=(fine, *bad, twin, bare)), image)
    assert [any(item.id in text for text in warnings) for item in bad] == [True] * 3
    assert "rasterises to nothing" in warnings[0]
    assert "outside the image" in warnings[1]
    assert "clipped" in warnings[2]
    assert warnings[3:] == (f"object {twin.id} is the same as object {fine.id}", f"object {bare.id} has no class")
