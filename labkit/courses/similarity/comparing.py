"""Compare all submissions of an assignment with one another.

Three steps, each near linear in the code of the class: what the release gave is taken away; fingerprints say which pairs are worth a
look; of these the passages are located token by token.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from labkit.courses.records import Note
from labkit.courses.similarity.fingerprints import grams, uncovered, winnow
from labkit.courses.similarity.passages import Written, find_passages
from labkit.courses.similarity.reading import Code, read_code, read_files, submission_folders
from labkit.courses.similarity.records import IdenticalFile, Pair, SimilarityReport, SubmissionFacts
from labkit.courses.similarity.tokens import Token, folded, own_names, scan
from labkit.errors import NotFound
from labkit.events import CancelToken, EventSink, Progress, ignore_events

__all__ = ["LEAST_SHARE", "LEAST_TOKENS", "MOST_PAIRS", "compare_submissions"]

LEAST_SHARE = 0.3
LEAST_TOKENS = 40  # about five lines: a trivial answer looks the same whoever wrote it
MOST_PAIRS = 100
_MOST_TOKENS = 200_000  # of one submission
_FEW = 8  # so many may share something without its being common to the class


@dataclass(frozen=True, slots=True)
class _Given:
    """What the release gave: its lines as they are, and its grams of folded tokens."""

    lines: frozenset[tuple[str, ...]]
    grams: frozenset[int]


def compare_submissions(
    folder: Path | str,
    release: Path | str | Collection[Path | str] = (),
    *,
    least_share: float = LEAST_SHARE,
    least_tokens: int = LEAST_TOKENS,
    most_pairs: int = MOST_PAIRS,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> SimilarityReport:
    """Return which submissions resemble one another.

    Parameters
    ----------
    folder : path
        Holds a folder for each submission.
    release : path or several
        Student versions of the assignment, whose code and files are nobody's own.
    least_share : float
        Pairs below it, 0-1, are left out.
    least_tokens : int
        Pairs that have fewer tokens in common are left out, and so are submissions that have fewer of their own.
    most_pairs : int
        So many pairs are located and listed.
    on_event, cancel
        Progress, and the token that stops it.

    Raises
    ------
    NotFound, InvalidInput
        `folder` or `release` is no folder, or there is nothing to compare.
    """
    cancel = cancel or CancelToken()
    folders = submission_folders(Path(folder))
    releases = [release] if isinstance(release, Path | str) else list(release)
    roots = [Path(one) for one in releases]
    for root in roots:
        _require_folder(root)
    given = _given([code for root in roots for code in read_code(root, everything=True)[0]])
    written: list[Written] = []
    notes: list[Note] = []
    for number, (name, path) in enumerate(folders.items(), 1):
        cancel.raise_if_cancelled()
        codes, troubles = read_code(path)
        notes += troubles
        written.append(_written(name, codes, given, notes))
        on_event(Progress(number, len(folders), "submissions", "reading"))
    written = _without_common(written)
    candidates = _candidates(written, least_share, least_tokens)
    pairs = _pairs(written, candidates[: 2 * most_pairs], least_share, least_tokens, cancel)
    return SimilarityReport(
        submissions=tuple(
            SubmissionFacts(name=one.name, tokens=len(one.tokens), given_tokens=one.given, common_tokens=one.common) for one in written
        ),
        pairs=tuple(pairs[:most_pairs]),
        pairs_found=len(pairs),
        identical=_identical(folders, roots),
        notes=tuple(notes),
    )


def _require_folder(root: Path) -> None:
    if not root.is_dir():
        raise NotFound(f"{root} is not a folder.", hint="Name the folder with the student version of the assignment.", path=str(root))


# What is a person's own


def _given(codes: Sequence[Code]) -> _Given:
    lines: set[tuple[str, ...]] = set()
    found: set[int] = set()
    by_path: dict[str, list[Token]] = defaultdict(list)
    for code in codes:
        tokens = scan(code.source)
        lines.update(_lines(tokens).values())
        by_path[code.path] += tokens
        found.update(grams([folded(token, frozenset()) for token in tokens]))
    for tokens in by_path.values():
        found.update(grams([folded(token, own_names(tokens)) for token in tokens]))
    return _Given(frozenset(lines), frozenset(found))


def _lines(tokens: Sequence[Token]) -> dict[int, tuple[str, ...]]:
    by_line: dict[int, list[str]] = defaultdict(list)
    for token in tokens:
        by_line[token.line].append(token.text)
    return {line: tuple(texts) for line, texts in by_line.items()}


def _written(name: str, codes: Sequence[Code], given: _Given, notes: list[Note]) -> Written:
    scanned = [(code, scan(code.source)) for code in codes]
    own = own_names(token for _, tokens in scanned for token in tokens)
    texts: list[str] = []
    places: list[tuple[str, int, int]] = []
    taken = 0
    for code, tokens in scanned:
        lines = _lines(tokens)
        mine = [token for token in tokens if lines[token.line] not in given.lines]
        taken += len(tokens) - len(mine)
        texts += [folded(token, own) for token in mine]
        places += [(code.path, code.cell, token.line) for token in mine]
    if len(texts) > _MOST_TOKENS:
        notes.append(
            Note(kind="too-long", where=name[:500], text=f"Only the first {_MOST_TOKENS:,} of {len(texts):,} tokens were compared.")
        )
        del texts[_MOST_TOKENS:], places[_MOST_TOKENS:]
    kept = uncovered(grams(texts), given.grams, len(texts))
    return Written(name, [texts[k] for k in kept], [places[k] for k in kept], taken + len(texts) - len(kept))


# Which pairs


def _without_common(written: Sequence[Written]) -> list[Written]:
    """Take away what more than half of the class has: it says nothing of two people."""
    owners = Counter(gram for one in written for gram in one.index)
    most = max(_FEW, len(written) // 2)
    common = frozenset(gram for gram, count in owners.items() if count > most)
    return [one.without(common) for one in written]


def _candidates(written: Sequence[Written], least_share: float, least_tokens: int) -> list[tuple[int, int]]:
    """Return the pairs that share enough fingerprints, the largest share first."""
    prints = [winnow(one.grams) if len(one.tokens) >= least_tokens else set() for one in written]
    have: dict[int, list[int]] = defaultdict(list)
    for number, own in enumerate(prints):
        for value in own:
            have[value].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for owners in have.values():
        if len(owners) > 1:
            shared.update(combinations(owners, 2))
    shares = {(i, j): count / min(len(prints[i]), len(prints[j])) for (i, j), count in shared.items()}
    # Half of the least share: a passage that was changed here and there loses more fingerprints than tokens.
    good = [pair for pair, share in shares.items() if share >= least_share / 2]
    return sorted(good, key=lambda pair: (-shares[pair], -shared[pair], pair))


def _pairs(
    written: Sequence[Written], candidates: Sequence[tuple[int, int]], least_share: float, least_tokens: int, cancel: CancelToken
) -> list[Pair]:
    found = []
    for i, j in candidates:
        cancel.raise_if_cancelled()
        first, second = written[i], written[j]
        passages = find_passages(first, second)
        tokens = sum(passage.tokens for passage in passages)
        shares = tokens / len(first.tokens), tokens / len(second.tokens)
        if tokens >= least_tokens and max(shares) >= least_share:
            found.append(
                Pair(
                    first=first.name,
                    second=second.name,
                    share=max(shares),
                    first_share=shares[0],
                    second_share=shares[1],
                    tokens=tokens,
                    passages=tuple(passages),
                )
            )
    return sorted(found, key=lambda pair: (-pair.share, -pair.tokens, pair.first, pair.second))


# Files


def _identical(folders: Mapping[str, Path], releases: Sequence[Path]) -> tuple[IdenticalFile, ...]:
    """Return the files that several submissions hold and no release does; those in fewest submissions first."""
    known = {file.sha256 for root in releases for file in read_files(root)}
    where: dict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    for name, path in folders.items():
        for file in read_files(path):
            if file.sha256 not in known:
                where[file.sha256, file.size].append((name, file.path))
    found = [
        IdenticalFile(sha256=sha256, size=size, places=tuple(places))
        for (sha256, size), places in where.items()
        if len({name for name, _ in places}) > 1
    ]
    return tuple(sorted(found, key=lambda file: (len(file.places), -file.size, file.sha256)))
