"""TypeScript types of the wire models, made from their JSON schema: ``python -m labkit_lab.typescript``.

A generator of our own, because the models use a small part of JSON schema, and because a test must be able to say that
the committed file is current on a machine without Node. A schema that it does not know is an error, never ``any``.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from labkit_lab import (
    wire,
    wire_authoring,
    wire_courses,
    wire_exchange,
    wire_feedback,
    wire_jobs,
    wire_models,
    wire_newrun,
    wire_quality,
    wire_reviews,
    wire_runs,
    wire_sending,
    wire_sets,
    wire_trials,
)
from labkit_lab.wire import WireModel

__all__ = ["WIRE_FILE", "typescript_of", "wire_file_text"]

WIRE_FILE = Path(__file__).resolve().parents[1] / "src" / "wire.ts"
# For each module of messages, its requests and its replies.
_MESSAGES: tuple[tuple[tuple[type[WireModel], ...], tuple[type[WireModel], ...]], ...] = (
    (wire.REQUESTS, wire.REPLIES),
    (wire_reviews.REVIEWS_REQUESTS, wire_reviews.REVIEWS_REPLIES),
    (wire_quality.QUALITY_REQUESTS, ()),
    (wire_exchange.EXCHANGE_REQUESTS, wire_exchange.EXCHANGE_REPLIES),
    ((), wire_jobs.JOBS_REPLIES),
    (wire_runs.RUNS_REQUESTS, wire_runs.RUNS_REPLIES),
    (wire_newrun.NEWRUN_REQUESTS, wire_newrun.NEWRUN_REPLIES),
    (wire_models.MODELS_REQUESTS, wire_models.MODELS_REPLIES),
    (wire_courses.COURSES_REQUESTS, wire_courses.COURSES_REPLIES),
    (wire_sending.SENDING_REQUESTS, wire_sending.SENDING_REPLIES),
    (wire_trials.TRIALS_REQUESTS, wire_trials.TRIALS_REPLIES),
    (wire_feedback.FEEDBACK_REQUESTS, wire_feedback.FEEDBACK_REPLIES),
    (wire_authoring.AUTHORING_REQUESTS, wire_authoring.AUTHORING_REPLIES),
    (wire_sets.SETS_REQUESTS, wire_sets.SETS_REPLIES),
)
_HEADER = "// Made from the modules labkit_lab/wire*.py by `python -m labkit_lab.typescript`. Do not edit.\n"
_PRIMITIVES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def wire_file_text() -> str:
    """Return what ``src/wire.ts`` must hold.

    Requests are described as the browser writes them (what has a default may be left out), replies as the server does.
    """
    _, requests = models_json_schema([(model, "validation") for asked, _ in _MESSAGES for model in asked])
    _, replies = models_json_schema([(model, "serialization") for _, answered in _MESSAGES for model in answered])
    return _HEADER + typescript_of({**requests["$defs"], **replies["$defs"]})


def typescript_of(definitions: dict[str, dict[str, Any]]) -> str:
    """Return one exported interface for each object schema in `definitions`.

    Raises
    ------
    TypeError
        A schema is of a kind that this generator does not know.
    """
    return "".join(f"\n{text}" for name, schema in sorted(definitions.items()) for text in [_interface(name, schema)])


def _interface(name: str, schema: dict[str, Any]) -> str:
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        raise TypeError(f"{name}: only models with a fixed set of fields have a TypeScript type: {schema}")
    required = set(schema.get("required", ()))
    fields = (
        f"  readonly {field}{'' if field in required else '?'}: {_type(part)};" for field, part in schema.get("properties", {}).items()
    )
    return "\n".join([*_comment(schema.get("description", "")), f"export interface {name} {{", *fields, "}", ""])


def _comment(text: str) -> Iterable[str]:
    if not text:
        return []
    lines = [line for part in text.split("\n\n") for line in [*textwrap.wrap(" ".join(part.split()), 76), ""]][:-1]
    return ["/**", *(f" * {line}".rstrip() for line in lines), " */"]


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(part) for part in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return " | ".join(_literal(value) for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"ReadonlyArray<{_type(schema['items'])}>"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"Readonly<Record<string, {_type(schema['additionalProperties'])}>>"
    if kind in _PRIMITIVES:
        return _PRIMITIVES[kind]
    raise TypeError(f"No TypeScript type is known for the schema {schema}.")


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(value)


def main(wire_file: Path = WIRE_FILE) -> None:
    """Write the file."""
    wire_file.write_text(wire_file_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
