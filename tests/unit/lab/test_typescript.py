"""The browser's types are those of the wire models."""

from pathlib import Path

import pytest

from labkit_lab import wire
from labkit_lab.typescript import WIRE_FILE, main, typescript_of, wire_file_text


def _interface(**properties: object) -> dict[str, dict[str, object]]:
    return {"Thing": {"type": "object", "additionalProperties": False, "properties": properties, "required": list(properties)}}


def test_committed_types_are_current() -> None:
    """`src/wire.ts` is what the models of `wire.py` give; if not, run `python -m labkit_lab.typescript`."""
    assert WIRE_FILE.read_text(encoding="utf-8") == wire_file_text()


def test_no_message_is_left_out() -> None:
    """Each model of `wire.py` is listed as a request or a reply, so that it gets its TypeScript type."""
    models = {thing for thing in vars(wire).values() if isinstance(thing, type) and issubclass(thing, wire.WireModel)}
    assert models - {wire.WireModel} == {*wire.REQUESTS, *wire.REPLIES}


def test_writes_the_file_that_it_describes(tmp_path: Path) -> None:
    """The command writes exactly the text that the test above compares."""
    main(tmp_path / "wire.ts")
    assert (tmp_path / "wire.ts").read_text(encoding="utf-8") == wire_file_text()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "number"),
        ({"type": "string", "format": "date-time"}, "string"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"type": "array", "items": {"$ref": "#/$defs/Other"}}, "ReadonlyArray<Other>"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "Readonly<Record<string, number>>"),
        ({"enum": ["done", 2, None]}, "'done' | 2 | null"),
        ({"const": True}, "true"),
    ],
)
def test_type_of_a_field(schema: dict[str, object], expected: str) -> None:
    """Each kind of schema that pydantic writes for our models has its TypeScript type."""
    assert f"  readonly field: {expected};\n" in typescript_of(_interface(field=schema))


def test_field_with_a_default_may_be_left_out_of_a_request() -> None:
    """A field that is not required is optional in TypeScript."""
    definitions = _interface(field={"type": "string"})
    definitions["Thing"]["required"] = []
    assert "  readonly field?: string;\n" in typescript_of(definitions)


@pytest.mark.parametrize("schema", [{}, {"type": "array"}, {"type": "object"}, {"not": {}}])
def test_unknown_schema_is_refused(schema: dict[str, object]) -> None:
    """A schema without a known type is an error and never `any`."""
    with pytest.raises(TypeError):
        typescript_of(_interface(field=schema))


def test_open_model_is_refused() -> None:
    """A model that allows unknown fields has no exact type, and is an error."""
    with pytest.raises(TypeError):
        typescript_of({"Thing": {"type": "object", "properties": {}}})
