"""The edit that a command of a browser asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labkit.annotations import Document, Edit, commands
from labkit.errors import InvalidInput
from labkit_lab.widgets import reading

__all__ = ["edit_of"]

_PASTED_BESIDE_PX = 10.0


def edit_of(document: Document, name: str, content: Mapping[str, Any], author: str, class_ids: Sequence[int]) -> Edit:
    """Return the edit that the command `name` asks for.

    Raises
    ------
    InvalidInput
        There is no such command, or it lacks something.
    """
    ids, found = reading.texts(content, "ids"), content.get("args")
    args = found if isinstance(found, Mapping) else {}
    simple: dict[str, Callable[[Document, tuple[str, ...]], Edit]] = {
        "delete": commands.delete,
        "merge": commands.merge,
        "bring_to_front": commands.bring_to_front,
        "send_to_back": commands.send_to_back,
        "accept": commands.accept,
        "reject": commands.reject,
    }
    if name in simple:
        return simple[name](document, ids)
    match name:
        case "separate":
            return commands.separate(document, ids, author=author)
        case "move":
            return commands.move(document, ids, reading.number(args, "dy", 0.0), reading.number(args, "dx", 0.0))
        case "set_attributes":
            changes = args.get("attributes")
            if not isinstance(changes, Mapping):
                raise InvalidInput("A message lacks attributes.", hint="Reload the page.")
            return commands.set_attributes(document, ids, changes)
        case "set_class":
            return commands.set_class(document, ids, args.get("class_id"), class_ids=class_ids)
        case "set_task":
            return commands.set_task(document, reading.text(args, "task"), completed=args.get("completed") is not False)
        case "paste":
            beside = {"dy": _PASTED_BESIDE_PX, "dx": _PASTED_BESIDE_PX}
            return commands.pasted(reading.text(args, "text"), author=author, class_ids=class_ids, **beside)
        case _:
            raise InvalidInput(f"The annotator does not know the command {name!r}.", hint="Reload the page.")
