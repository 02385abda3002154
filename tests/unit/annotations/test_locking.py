"""Who annotates an image now: claims that end by themselves, and the next free image."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from labkit.annotations import Document, authors, new_object, save_document
from labkit.annotations.locking import claim, claim_next_image, current_claim, next_free_image, release
from labkit.annotations.review import change_state
from labkit.errors import InvalidInput, Locked, NotFound
from labkit.geometry import Point
from labkit.storage import save_record, utc_now

SOON = 0.4 / 60  # minutes


def _wait_until_over(held) -> None:
    while utc_now() <= held.until:
        time.sleep(0.01)


def _expire(project, image_id) -> None:
    held = current_claim(project, image_id)
    save_record(project.layout.claim(image_id), held.model_copy(update={"until": utc_now() - timedelta(seconds=1)}))


@pytest.fixture
def images(image, make_image):
    """Three images, in the order of the project."""
    return [image, make_image("image2", 40, 60), make_image("image3", 40, 60)]


def test_a_claim_keeps_others_out(project, image):
    """The refusal says who, and until when, and what to do."""
    held = claim(project, image.id, "Ada", minutes=30)
    with pytest.raises(Locked, match="Ada") as caught:
        claim(project, image.id, "Grace")
    assert f"{held.until:%H:%M}" in caught.value.message
    assert "30 min" in caught.value.hint
    assert current_claim(project, image.id) == held


def test_an_owner_renews(project, image):
    """From another window too: the time counts from now, the client is the new one."""
    first = claim(project, image.id, "Ada", minutes=1, client="laptop")
    second = claim(project, image.id, "Ada", minutes=30, client="desk")
    assert second.until > first.until + timedelta(minutes=28)
    assert current_claim(project, image.id).client == "desk"


def test_a_claim_that_is_over_is_taken_over(project, image):
    """Nobody needs to give it back."""
    claim(project, image.id, "Ada")
    _expire(project, image.id)
    assert current_claim(project, image.id) is None
    assert claim(project, image.id, "Grace").author == "Grace"


def test_release_gives_only_ones_own_back(project, image):
    """That of somebody else stays."""
    assert not release(project, image.id, "Ada")
    claim(project, image.id, "Ada")
    assert not release(project, image.id, "Grace")
    assert current_claim(project, image.id).author == "Ada"
    assert release(project, image.id, "Ada")
    assert current_claim(project, image.id) is None
    assert claim(project, image.id, "Grace").author == "Grace"


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_claim_has_an_end(project, image, minutes):
    """No claim is for ever, and none is over before it begins."""
    with pytest.raises(InvalidInput):
        claim(project, image.id, "Ada", minutes=minutes)
    assert current_claim(project, image.id) is None


@pytest.mark.parametrize("image_id", ["nowhere", "../study", "", "."])
def test_an_unknown_image_cannot_be_claimed(project, image_id):
    """Nothing is written."""
    with pytest.raises(NotFound):
        claim(project, image_id, "Ada")
    assert not project.layout.annotations.exists()


@pytest.mark.parametrize("author", ["claim.json", ".claim.lock"])
def test_an_author_can_be_called_as_a_file_of_claims(project, image, author):
    """Claim and document do not get into one another's way, and no claim is an author."""
    claim(project, image.id, author)
    assert authors(project, image.id) == ()
    save_document(project, Document(image.id, author))
    assert authors(project, image.id) == (author,)
    assert current_claim(project, image.id).author == author


def test_next_is_the_first_image_with_work(project, images):
    """Finished, in review and accepted documents are no work; one that was returned is."""
    assert next_free_image(project, "Ada") == images[0]
    save_document(project, Document(images[0].id, "Ada").with_task())
    assert next_free_image(project, "Ada") == images[1]
    change_state(project, images[1].id, "Ada", "in-review", by="Ada")
    assert next_free_image(project, "Ada") == images[2]
    change_state(project, images[0].id, "Ada", "in-review", by="Ada")
    change_state(project, images[0].id, "Ada", "returned", by="Grace")
    assert next_free_image(project, "Ada") == images[0]


def test_an_unfinished_document_is_work(project, images):
    """Objects, a mark of another task, and a mark that was taken off again do not finish an image."""
    document = Document(images[0].id, "Ada", objects=(new_object(Point(1, 1)),)).with_task("outline").with_task().with_task(completed=False)
    save_document(project, document)
    assert next_free_image(project, "Ada") == images[0]


def test_an_accepted_image_is_free_for_nobody(project, images):
    """Also if the accepted document is somebody else's; one that is finished by somebody else is free."""
    save_document(project, Document(images[0].id, "Grace").with_task())
    assert next_free_image(project, "Ada") == images[0]
    change_state(project, images[0].id, "Grace", "in-review", by="Grace")
    change_state(project, images[0].id, "Grace", "accepted", by="Alan")
    assert next_free_image(project, "Ada") == images[1]


def test_claimed_images_are_left_out_and_expired_ones_are_not(project, images):
    """Locked images are not offered, and those whose claim is over are not hidden."""
    claim(project, images[0].id, "Grace")
    assert next_free_image(project, "Ada") == images[1]
    assert next_free_image(project, "Grace") == images[0]
    _expire(project, images[0].id)
    assert next_free_image(project, "Ada") == images[0]


def test_label_images_are_no_work(project, images):
    """An image that holds labels is not annotated."""
    save_record(project.layout.image(images[0].id).record, images[0].model_copy(update={"role": "labels"}))
    assert next_free_image(project, "Ada") == images[1]


def test_there_may_be_nothing_to_do(project, images):
    """Then the answer is None, and nothing is claimed."""
    for image in images:
        claim(project, image.id, "Grace")
    assert next_free_image(project, "Ada") is None
    assert claim_next_image(project, "Ada") is None


def test_a_broken_document_does_not_stop_the_others(project, images):
    """The image is left out, the next one is given."""
    save_document(project, Document(images[0].id, "Ada"))
    project.layout.annotation(images[0].id, "Ada").snapshot.write_bytes(b"{")
    assert next_free_image(project, "Ada") == images[1]


TAKER = """
import sys
from labkit.annotations.locking import claim_next_image
from labkit.project import Project
project = Project.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
taken = []
while (found := claim_next_image(project, sys.argv[2])) and found[0].id not in taken:
    taken.append(found[0].id)
    from labkit.annotations import Document, save_document
    save_document(project, Document(found[0].id, sys.argv[2]).with_task())
print(" ".join(taken), flush=True)
"""


def test_two_programs_share_the_images(project, make_image):
    """Both take as fast as they can: each image goes to exactly one of them."""
    ids = [make_image(f"image{n:02}", 8, 8).id for n in range(12)]
    takers = [
        subprocess.Popen([sys.executable, "-c", TAKER, project.path, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("Ada", "Grace")
    ]
    for taker in takers:
        assert taker.stdout.readline() == "ready\n"
    for taker in takers:
        taker.stdin.write("\n")
        taker.stdin.flush()
    taken = [taker.communicate(timeout=60)[0].split() for taker in takers]
    assert sorted(taken[0] + taken[1]) == ids


HOLDER = """
import sys, time
from labkit.annotations.locking import claim
from labkit.project import Project
claim(Project.open(sys.argv[1]), sys.argv[2], "Ada", minutes=float(sys.argv[3]))
print("claimed", flush=True)
time.sleep(600)
"""


def test_the_claim_of_a_killed_program_ends_by_itself(project, image):
    """SIGKILL: others are refused until the time is over, and get the image then."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, project.path, image.id, str(1.5 / 60)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "claimed\n"
    held = current_claim(project, image.id)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with pytest.raises(Locked):
        claim(project, image.id, "Grace")
    _wait_until_over(held)
    assert next_free_image(project, "Grace").id == image.id
    assert claim(project, image.id, "Grace").author == "Grace"
    assert datetime.now(UTC) >= held.until
