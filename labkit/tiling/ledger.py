"""The ledger of an import: which blocks are finished, one JSON object a line, on the disk before it is relied upon."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c

from labkit.tiling.plan import Node

__all__ = ["BlockFacts", "Ledger", "ShardFacts", "read_ledger"]


@dataclass(frozen=True, slots=True)
class ShardFacts:
    """Length and CRC-32C of a shard's bytes."""

    length: int
    crc32c: int

    @classmethod
    def of(cls, data: bytes) -> ShardFacts:
        """Return the facts of `data`."""
        return cls(len(data), google_crc32c.value(data))


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """What was written of a block.

    Attributes
    ----------
    image : ShardFacts
        Its shard in the store of the image.
    alpha : ShardFacts or None
        Its shard in the store of alpha, where there is one.
    opaque : bool
        Whether each of its pixels is fully opaque.
    """

    image: ShardFacts
    alpha: ShardFacts | None = None
    opaque: bool = True

    def as_record(self, node: Node) -> dict[str, Any]:
        """Return the line of the ledger."""
        record = {**node._asdict(), "bytes": self.image.length, "crc32c": self.image.crc32c}
        if self.alpha is not None:
            record |= {"alpha_bytes": self.alpha.length, "alpha_crc32c": self.alpha.crc32c, "opaque": self.opaque}
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> BlockFacts:
        """Return the facts in a line of the ledger."""
        alpha = ShardFacts(record["alpha_bytes"], record["alpha_crc32c"]) if "alpha_bytes" in record else None
        return cls(ShardFacts(record["bytes"], record["crc32c"]), alpha, record.get("opaque", True))


def read_ledger(path: Path) -> dict[Node, BlockFacts]:
    """Return the finished blocks that `path` lists; an unfinished last line is ignored, as is a missing file."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    found = {}
    for line in text.splitlines(keepends=True):
        if line.endswith(b"\n"):
            entry = json.loads(line)
            found[Node(entry["level"], entry["y"], entry["x"], entry.get("plane", 0))] = BlockFacts.from_record(entry)
    return found


class Ledger:
    """The open ledger of one import; `path` None keeps it in memory only (for work that is not resumed)."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._done = read_ledger(path) if path else {}
        if path and path.exists():
            text = path.read_bytes()
            os.truncate(path, text.rfind(b"\n") + 1)

    def __contains__(self, node: object) -> bool:
        return node in self._done

    def entries(self) -> tuple[tuple[Node, BlockFacts], ...]:
        """Return the finished blocks and what was written of them."""
        return tuple(self._done.items())

    def all_opaque(self) -> bool:
        """Return whether no finished block has a pixel that is not fully opaque."""
        return all(facts.opaque for facts in self._done.values())

    def forget(self, node: Node, top: int) -> None:
        """Take a block as unfinished, its shard is not as it was written; and all above it, so that it is come across again."""
        for level in range(node.level, top + 1):
            up = level - node.level
            self._done.pop(Node(level, node.y >> up, node.x >> up, node.plane), None)

    def add(self, *blocks: tuple[Node, BlockFacts]) -> None:
        """Note blocks as finished; their shards must be on the disk."""
        lines = b"".join(json.dumps(facts.as_record(node)).encode() + b"\n" for node, facts in blocks)
        with self._lock:
            self._done.update(blocks)
            if self._path:
                with open(self._path, "ab") as file:
                    file.write(lines)
                    file.flush()
                    os.fsync(file.fileno())
