"""`labkit annotations progress|validate|agreement|consensus|review|next`: the state and the quality of annotations."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.annotations import authors, open_document, resolve_author
from labkit.annotations.agreement import Agreement, compare_documents
from labkit.annotations.consensus import build_consensus
from labkit.annotations.document import Document
from labkit.annotations.editor import Editor
from labkit.annotations.locking import CLAIM_MINUTES, Claim, claim_next_image, next_free_image
from labkit.annotations.progress import ProgressRow, ProjectProgress, project_progress
from labkit.annotations.review import (
    REVIEW_STATES,
    Comment,
    Review,
    add_comment,
    change_state,
    load_review,
    resolve_comment,
)
from labkit.annotations.validation import validation_report
from labkit.cli.app import command, long_command, project_option
from labkit.cli.console import Answer
from labkit.cli.project_commands import open_project
from labkit.errors import InvalidInput, NotFound
from labkit.events import CancelToken, EventSink
from labkit.project import ImageRecord, Project

__all__ = ["QUALITY_COMMANDS"]


@click.command("progress")
@project_option
@command
def progress_command(project_path: Path | None) -> Answer:
    """Show how far each author has come in each image."""
    table = project_progress(open_project(project_path))
    return Answer(table, _progress_lines(table))


def _progress_lines(table: ProjectProgress) -> tuple[str, ...]:
    total = table.totals
    head = f"{table.title}: {total.images} image(s), {total.annotated_images} annotated, {total.documents} document(s)"
    states = ", ".join(f"{count} {state}" for state, count in total.states.items() if count) or "nothing begun"
    sums = f"{states}; {total.finished} finished; {_hours(total.seconds)}; {total.open_comments} open comment(s)"
    return (head, sums, *(_row_line(row) for row in table.rows))


def _row_line(row: ProgressRow) -> str:
    if row.author is None:
        return f"  {row.image}: nobody yet" + (f"; {row.problem}" if row.problem else "")
    counts = [f"{count} {name}" for name, count in row.objects.items() if count]
    counts += [f"{row.unclassified} without class"] if row.unclassified else []
    facts = [row.state, "finished" if row.finished else "not finished", ", ".join(counts) or "no objects", _hours(row.seconds)]
    facts += [f"{row.open_comments} open comment(s)"] if row.open_comments else []
    facts += [f"held until {row.claimed_until:%H:%M} UTC"] if row.claimed_until else []
    facts += [row.problem] if row.problem else []
    return f"  {row.image}, {row.author}: " + "; ".join(facts)


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02} h"


@click.command("validate")
@click.argument("image")
@click.option("--author", default=None, help="Whose annotations; default: yours, or the only ones.")
@project_option
@command
def validate_command(image: str, author: str | None, project_path: Path | None) -> Answer:
    """Say what looks wrong in an author's annotations of IMAGE; nothing is changed."""
    project = open_project(project_path)
    record = project.image(image)
    document = _document(project, record, author)
    faults = validation_report(document, record)
    warnings = sum(fault.level == "warning" for fault in faults)
    data = {
        "image_id": record.id,
        "author": document.author,
        "revision": document.revision,
        "warnings": warnings,
        "notes": len(faults) - warnings,
        "faults": [fault.model_dump(mode="json") for fault in faults],
    }
    lines = tuple(f"{fault.level}: {fault.words}" for fault in faults)
    return Answer(data, lines or (f"{document.author}'s annotations of {record.name}: nothing looks wrong",))


@click.command("agreement")
@click.argument("image")
@click.option("--between", "names", nargs=2, required=True, metavar="A B", help="The two authors.")
@project_option
@command
def agreement_command(image: str, names: tuple[str, str], project_path: Path | None) -> Answer:
    """Measure how far two authors agree on IMAGE, over the pixels that both know."""
    project = open_project(project_path)
    record = project.image(image)
    first, second = (_document(project, record, name) for name in names)
    found = compare_documents(first, second, record, project.classes)
    return Answer(found, _agreement_lines(found))


def _agreement_lines(found: Agreement) -> tuple[str, ...]:
    objects = found.objects
    lines = [f"{found.known_px} pixel(s) that both know, kappa {_number(found.kappa)}"]
    lines += [
        f"  {row.name}: IoU {_number(row.iou)}, Dice {_number(row.dice)}, {row.first_px} and {row.second_px} pixel(s)"
        for row in found.classes
    ]
    lines.append(
        f"  objects: {objects.matched} matched ({objects.matched_same_class} of the same class, mean IoU {_number(objects.mean_iou)}), "
        f"{objects.missed} only {found.first}'s, {objects.extra} only {found.second}'s, {objects.unjudged} where the other has not looked"
    )
    return tuple(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


@click.command("consensus")
@click.argument("image")
@click.option("--authors", "names", multiple=True, help="Name of an author; give it once per author. Default: all.")
@click.option("--share", type=float, default=0.5, show_default=True, help="Keep what more than this share of the authors marked.")
@project_option
@command
def consensus_command(image: str, names: tuple[str, ...], share: float, project_path: Path | None) -> Answer:
    """Make annotations of IMAGE of what most authors agree on, as those of the author "consensus"."""
    project = open_project(project_path)
    made = build_consensus(project, project.image(image), names, share=share)
    lines = [f"Consensus of {', '.join(made.authors)}: {made.objects} object(s), {made.dropped} without a majority"]
    lines += [f"{made.kept} object(s) drawn by hand were kept"] if made.kept else []
    return Answer(made, tuple(lines))


@click.command("review")
@click.argument("image")
@click.option("--state", type=click.Choice(REVIEW_STATES), default=None, help="State to bring the annotations into; default: as it is.")
@click.option("--author", default=None, help="Whose annotations; default: yours, or the only ones.")
@click.option("--by", default=None, help="Who reviews; default: you.")
@click.option("--comment", "text", default=None, help="Comment to add.")
@click.option("--at", "place", default=None, metavar="Y,X", help="Place of the comment, in pixels.")
@click.option("--object", "object_id", default=None, help="Id of the object that the comment is on.")
@click.option("--resolve", "comment_id", default=None, help="Id of a comment that is done with.")
@project_option
@command
def review_command(
    image: str,
    state: str | None,
    author: str | None,
    by: str | None,
    text: str | None,
    place: str | None,
    object_id: str | None,
    comment_id: str | None,
    project_path: Path | None,
) -> Answer:
    """Show the review of an author's annotations of IMAGE, change its state, comment on it."""
    project = open_project(project_path)
    record = project.image(image)
    whose, who = _author(project, record, author), resolve_author(by)
    pinned = _place(place)
    if text is None and (place is not None or object_id is not None):
        raise InvalidInput("A place or an object goes with a comment.", hint="Write it with --comment.")
    review = load_review(project, record.id, whose)
    if state is not None and state != review.state:
        review = change_state(project, record.id, whose, state, by=who)
    if text is not None:
        review = add_comment(project, record.id, whose, text, by=who, place=pinned, object_id=object_id)
    if comment_id is not None:
        review = resolve_comment(project, record.id, whose, comment_id, by=who)
    return Answer(review, _review_lines(record, review))


def _review_lines(image: ImageRecord, review: Review) -> tuple[str, ...]:
    lines = [f"{review.author}'s annotations of {image.name}: {review.state}, {_hours(review.seconds)}"]
    lines += [f"  {step.time:%Y-%m-%d %H:%M} {step.state} by {step.by}" for step in review.history]
    lines += [_comment_line(comment) for comment in review.comments]
    return tuple(lines)


def _comment_line(comment: Comment) -> str:
    where = f" at {comment.y:g},{comment.x:g}" if comment.y is not None and comment.x is not None else ""
    where = f" on object {comment.object_id}" if comment.object_id else where
    done = f" (resolved by {comment.resolved_by})" if comment.resolved_by else ""
    return f"  {comment.id} {comment.author}{where}: {comment.text}{done}"


def _place(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        y, x = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no place.", hint="Write --at 120,85 (y, then x).") from error
    return y, x


@click.command("next")
@click.option("--author", default=None, help="For whom; default: you.")
@click.option("--claim", "claims", is_flag=True, help="Keep others from it for a while.")
@click.option("--minutes", type=float, default=CLAIM_MINUTES, show_default=True, help="How long the claim holds.")
@project_option
@command
def next_command(author: str | None, claims: bool, minutes: float, project_path: Path | None) -> Answer:
    """Name the first image that still needs annotating and that nobody else is at work on."""
    project = open_project(project_path)
    who = resolve_author(author)
    held: Claim | None = None
    image: ImageRecord | None
    if claims:
        image, held = claim_next_image(project, who, minutes) or (None, None)
    else:
        image = next_free_image(project, who)
    data = {
        "author": who,
        "image_id": image.id if image else None,
        "image": image.name if image else None,
        "claim": held.model_dump(mode="json") if held else None,
    }
    until = f", yours until {held.until:%H:%M} UTC" if held else ""
    return Answer(data, (f"{image.name} ({image.id}){until}" if image else f"There is no free image for {who}.",))


def _author(project: Project, image: ImageRecord, author: str | None) -> str:
    """Return the author who is meant: the named one, you, or the only one who has annotated the image."""
    known = authors(project, image.id)
    chosen = known[0] if author is None and len(known) == 1 else resolve_author(author)
    if chosen not in known:
        raise NotFound(
            f"{chosen} has no annotations of {image.name}.", hint=f"Annotated by: {', '.join(known) or 'nobody'}.", author=chosen
        )
    return chosen


def _document(project: Project, image: ImageRecord, author: str | None) -> Document:
    return open_document(project, image.id, _author(project, image, author))


@click.command("propose")
@click.argument("image")
@click.option("--prediction", default=None, help="Which prediction (its hash); default: the newest of IMAGE.")
@click.option("--author", default=None, help="Into whose annotations; default: yours.")
@project_option
@long_command
def propose_command(
    image: str, prediction: str | None, author: str | None, project_path: Path | None, on_event: EventSink, cancel: CancelToken
) -> Answer:
    """Put the objects of a prediction of IMAGE into annotations, as proposals to be accepted, corrected or rejected."""
    from labkit.inference import open_prediction, proposals  # here, because it loads torch

    project = open_project(project_path)
    record = project.image(image)
    found = open_prediction(project, f"{record.id}/{prediction}" if prediction else record.id)
    editor = Editor(project, record.id, author)
    edit = proposals(found, editor.document, author=editor.author, on_event=on_event, cancel=cancel)
    editor.apply(edit)
    editor.close()
    data = {"image_id": record.id, "author": editor.author, "prediction": found.key, "proposed": len(edit.changes)}
    return Answer(data, (f"{len(edit.changes)} object(s) proposed in {record.name}",))


QUALITY_COMMANDS: tuple[click.Command, ...] = (
    progress_command,
    validate_command,
    agreement_command,
    consensus_command,
    review_command,
    next_command,
    propose_command,
)
