"""What a packaged notebook needs: where it lies, and its config."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from labkit.errors import InvalidInput, NotFound

__all__ = ["packaged_notebook", "read_config"]

ConfigT = TypeVar("ConfigT", bound=BaseModel)


def packaged_notebook(package: str, name: str) -> Path:
    """Return where the notebook `name` (without ``.ipynb``) of a package lies.

    Raises
    ------
    NotFound
        The package ships no such notebook; the hint lists those that it has.
    """
    folder = Path(str(files(package)))
    path = folder / f"{name}.ipynb"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.ipynb"))) or "none"
        raise NotFound(f"{package} has no notebook {name!r}.", hint=f"It has: {known}.", name=name)
    return path


def read_config(path: str | Path, model: type[ConfigT]) -> ConfigT:
    """Return the config that a notebook was given, checked against `model`.

    Raises
    ------
    NotFound
        There is no such file.
    InvalidInput
        The file holds no such config; the message names the first wrong field.
    """
    try:
        return model.model_validate_json(Path(path).read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"The config {path} does not exist.", hint="Give the path of a config.json of a run.", path=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise InvalidInput(
            f"The config {path} is not a {model.__name__}: {where}: {first['msg']}.",
            hint=f"Correct {where!r} and start again.",
            path=str(path),
        ) from error
