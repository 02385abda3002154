"""The hub's commands: ``python -m labkit_hub start | stop | install-proxy | reset-password``."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from labkit.errors import LabKitError, response_for
from labkit_hub.settings import load_settings


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """LabKit's hub in the "one command" shape. Settings are LABKIT_* variables, see docs/hub.md."""


@main.command()
def start() -> None:
    """Start the hub, print its address and logins, and run until Ctrl-C."""
    from labkit_hub import start as starting

    sys.exit(_answer(lambda: starting.start(load_settings(), _say)))


@main.command()
def stop() -> None:
    """End all processes of this hub, also those that a killed hub left behind."""
    from labkit_hub import start as starting

    def act() -> int:
        count = starting.stop(load_settings())
        _say(f"Ended {count} processes." if count else "Nothing was running.")
        return 0

    sys.exit(_answer(act))


@main.command("install-proxy")
def install_proxy() -> None:
    """Install the proxy that stands in front of the hub; the second call does nothing."""
    from labkit_hub.proxy import install_proxy as install

    def act() -> int:
        _say(f"The hub's proxy is installed: {install(load_settings().proxy_dir)}")
        return 0

    sys.exit(_answer(act))


@main.command("reset-password")
@click.argument("username")
def reset_password(username: str) -> None:
    """Give USERNAME a new generated password and print it."""
    from labkit_hub.logins import reset_password as reset

    def act() -> int:
        _say(f"{username}  {reset(load_settings(), username)}")
        return 0

    sys.exit(_answer(act))


def _answer(act: Callable[[], int]) -> int:
    """Run `act`; an error for the user becomes its line and hint on stderr, and the exit code of the shared table."""
    try:
        return act()
    except LabKitError as error:
        click.echo(f"{error.message}\n{error.hint}".rstrip(), err=True)
        return response_for(error).exit_code


if __name__ == "__main__":
    main(prog_name="python -m labkit_hub")
