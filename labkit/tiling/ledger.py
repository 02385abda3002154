"""The ledger of an import: which shards are finished, one JSON object a line, on the disk before it is relied upon."""

from __future__ import annotations

import json
import os
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

from labkit.tiling.plan import Node

__all__ = ["Ledger", "ShardFacts", "read_ledger"]


@dataclass(frozen=True, slots=True)
class ShardFacts:
    """Length and CRC-32 of a shard's bytes."""

    length: int
    crc32: int

    @classmethod
    def of(cls, data: bytes) -> ShardFacts:
        """Return the facts of `data`."""
        return cls(len(data), zlib.crc32(data))


def read_ledger(path: Path) -> dict[Node, ShardFacts]:
    """Return the finished shards that `path` lists; an unfinished last line is ignored, as is a missing file."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    found = {}
    for line in text.splitlines(keepends=True):
        if line.endswith(b"\n"):
            entry = json.loads(line)
            found[Node(entry["level"], entry["y"], entry["x"], entry.get("plane", 0))] = ShardFacts(entry["bytes"], entry["crc32"])
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

    def __contains__(self, node: Node) -> bool:
        return node in self._done

    def entries(self) -> tuple[tuple[Node, ShardFacts], ...]:
        """Return the finished blocks and what was written of them."""
        return tuple(self._done.items())

    def forget(self, node: Node, top: int) -> None:
        """Take a block as unfinished, its shard is not as it was written; and all above it, so that it is come across again."""
        for level in range(node.level, top + 1):
            up = level - node.level
            self._done.pop(Node(level, node.y >> up, node.x >> up, node.plane), None)

    def add(self, node: Node, facts: ShardFacts) -> None:
        """Note a block as finished; its shard must be on the disk."""
        entry = {**node._asdict(), "bytes": facts.length, "crc32": facts.crc32}
        with self._lock:
            self._done[node] = facts
            if self._path:
                with open(self._path, "ab") as file:
                    file.write(json.dumps(entry).encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
