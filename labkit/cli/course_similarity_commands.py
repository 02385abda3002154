"""`labkit course similarity`: which submissions of an assignment resemble one another."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli.app import long_command
from labkit.cli.console import Answer
from labkit.courses.similarity import SimilarityReport, compare_submissions, similarity_page
from labkit.courses.similarity.comparing import LEAST_SHARE, LEAST_TOKENS, MOST_PAIRS
from labkit.errors import AlreadyExists
from labkit.events import CancelToken, EventSink
from labkit.storage import explain_os_errors, write_text

__all__ = ["similarity_command"]

_PATH = click.Path(readable=False, path_type=Path)
_SHOWN = 10


@click.command("similarity")
@click.argument("folder", type=_PATH)
@click.option(
    "--release", "releases", type=_PATH, multiple=True, help="Folder with a student version: its code and files count for nothing."
)
@click.option("--out", type=_PATH, default=None, help="Write an HTML page with the passages side by side.")
@click.option("--overwrite", is_flag=True, help="Replace a page that is there.")
@click.option("--least-share", type=click.FloatRange(0, 1), default=LEAST_SHARE, show_default=True, help="Leave out pairs that share less.")
@click.option(
    "--least-tokens", type=click.IntRange(1), default=LEAST_TOKENS, show_default=True, help="Leave out pairs that share fewer tokens."
)
@click.option("--pairs", type=click.IntRange(1, 1000), default=MOST_PAIRS, show_default=True, help="List so many pairs.")
@long_command
def similarity_command(
    folder: Path,
    releases: tuple[Path, ...],
    out: Path | None,
    overwrite: bool,
    least_share: float,
    least_tokens: int,
    pairs: int,
    on_event: EventSink,
    cancel: CancelToken,
) -> Answer:
    """Say which submissions resemble one another; FOLDER holds a folder for each of them. Nothing leaves this computer."""
    if out is not None:
        _check_target(out, overwrite)
    report = compare_submissions(
        folder, releases, least_share=least_share, least_tokens=least_tokens, most_pairs=pairs, on_event=on_event, cancel=cancel
    )
    if out is not None:
        write_text(out, similarity_page(report, folder))
    return Answer(report, _lines(report, out), tuple(f"{note.where}: {note.text}" for note in report.notes))


def _check_target(path: Path, overwrite: bool) -> None:
    with explain_os_errors(path):
        if path.is_dir() or (path.exists() and not overwrite):
            raise AlreadyExists(f"{path} is there already.", hint="Choose another name, or give --overwrite.", path=str(path))


def _lines(report: SimilarityReport, out: Path | None) -> tuple[str, ...]:
    head = f"{len(report.submissions)} submissions, {report.pairs_found} pair(s) that resemble each other"
    rows = [f"  {pair.share:4.0%}  {pair.first} and {pair.second} ({pair.tokens} tokens)" for pair in report.pairs[:_SHOWN]]
    more = [f"  and {report.pairs_found - _SHOWN} more"] if report.pairs_found > _SHOWN else []
    files = [f"  identical: {', '.join(f'{name}/{path}' for name, path in file.places)}" for file in report.identical[:_SHOWN]]
    return (head, *rows, *more, *files, *([f"Written to {out}"] if out else []))
