"""The page for admins names every setting and every file."""

from __future__ import annotations

from pydantic import BaseModel

from labkit_hub.layout import CHECKOUT, VarLayout
from labkit_hub.settings import Settings

PAGE = (CHECKOUT / "docs" / "hub.md").read_text()


def variables(kind: type[BaseModel], prefix: str) -> list[str]:
    names: list[str] = []
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names += variables(inner, f"{prefix}{name.upper()}__")
        else:
            names.append(prefix + name.upper())
    return names


def test_every_setting_is_documented() -> None:
    """A new field without a line in the table fails here."""
    assert [name for name in variables(Settings, "LABKIT_") if f"`{name}`" not in PAGE] == []


def test_every_file_is_documented() -> None:
    """So does a new file in var/."""
    root = CHECKOUT / "var"
    layout = VarLayout(root)
    tops = {getattr(layout, name).relative_to(root).parts[0] for name in vars(VarLayout) if isinstance(vars(VarLayout)[name], property)}
    assert [top for top in sorted(tops) if f"`{top}" not in PAGE] == []
