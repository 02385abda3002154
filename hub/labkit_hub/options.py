"""What people may wish for when a server starts: a profile, by its name, and nothing else.

Options reach the hub as a form, as the body of an API call, as stored options that their owner has edited, or from an admin who
starts somebody else's server. All of them come through `check_options` before anything is started.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyterhub.spawner import SpawnException

from labkit.errors import InvalidInput

__all__ = ["ServerOptions", "check_options", "options_from_form", "take_no_options"]

_LONGEST = {"profile": 64, "ticket": 200}
_HINT = "Only the name of a profile can be chosen; start the server again without further options."


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Checked options; ``ticket`` is the queue's, and worth nothing to anybody else."""

    profile: str = ""
    ticket: str | None = None


def check_options(given: object) -> ServerOptions:
    """Return options as they may be used.

    Raises
    ------
    InvalidInput
        Something else than a profile and a ticket is given, or one of them is no short text; it names what.
    """
    if given is None:
        return ServerOptions()
    if not isinstance(given, Mapping):
        raise InvalidInput("The options of a server must be a JSON object.", hint=_HINT)
    unknown = sorted(str(name)[:40] for name in given if name not in _LONGEST)
    if unknown:
        raise InvalidInput(f"A server has no option called {', '.join(unknown[:5])}.", hint=_HINT)
    texts = {name: _text(name, given[name]) for name in given if given[name] is not None}
    return ServerOptions(profile=texts.get("profile", ""), ticket=texts.get("ticket"))


def options_from_form(form: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return a form's fields as options, one value each.

    Raises
    ------
    SpawnException
        There are other fields; the hub shows the form again, with the message.
    """
    fields = {name: values for name, values in form.items() if name != "_xsrf"}
    options = {name: values[0] if len(values) == 1 else list(values) for name, values in fields.items()}
    try:
        check_options(options)
    except InvalidInput as error:
        raise SpawnException(f"{error.message} {error.hint}", reason="options", status_code=400) from error
    return options


def take_no_options(_spawner: Any, _options: Any) -> None:
    """Apply nothing: the pre-spawn hook checks options, and what holds comes from the service."""


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST[name] or not value.isprintable():
        raise InvalidInput(f"The option {name} must be a text of at most {_LONGEST[name]} characters.", hint=_HINT)
    return value
