"""The hub's commands: ``python -m labkit_hub start | stop | install-proxy | reset-password | z2jh-values``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import click

# While the rest is still being imported, Ctrl-C ends us at once and without a traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """LabKit's hub in the "one command" shape. Settings are LABKIT_* variables, see docs/hub.md."""


@main.command()
def start() -> None:
    """Start the hub, print its address and logins, and run until Ctrl-C."""
    from labkit_hub import start as starting
    from labkit_hub.settings import load_settings

    _answer(lambda: starting.start(load_settings(), _say))


@main.command()
def stop() -> None:
    """End all processes of this hub, also those that a killed hub left behind."""
    from labkit_hub import start as starting
    from labkit_hub.settings import load_settings

    def act() -> None:
        count = starting.stop(load_settings())
        _say(f"Ended {count} {'process' if count == 1 else 'processes'}." if count else "Nothing was running.")

    _answer(act)


@main.command("install-proxy")
def install_proxy() -> None:
    """Install the proxy that stands in front of the hub; the second call does nothing."""
    from labkit_hub.proxy import install_proxy as install
    from labkit_hub.settings import load_settings

    _answer(lambda: _say(f"The hub's proxy is installed: {install(load_settings().proxy_dir)}"))


@main.command("reset-password")
@click.argument("username")
def reset_password(username: str) -> None:
    """Give USERNAME a new generated password and print it."""
    from labkit_hub.logins import reset_password as reset
    from labkit_hub.settings import load_settings

    _answer(lambda: _say(f"{username}  {reset(load_settings(), username)}"))


@main.command("z2jh-values")
def z2jh_values() -> None:
    """Print values for the Helm chart Zero to JupyterHub, made from settings and profiles."""
    from labkit_hub.profiles import load_profiles
    from labkit_hub.settings import load_settings
    from labkit_hub.z2jh import z2jh_values as make

    def act() -> None:
        settings = load_settings()
        _say(make(settings, load_profiles(settings.profiles)).rstrip("\n"))

    _answer(act)


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def _answer(act: Callable[[], int | None]) -> None:
    """Run `act` and exit; an error for the user becomes its line and hint on stderr, and the exit code of the shared table."""
    from labkit.errors import LabKitError, response_for

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(act() or 0)
    except LabKitError as error:
        click.echo(f"{error.message}\n{error.hint}".rstrip(), err=True)
        sys.exit(response_for(error).exit_code)
    except KeyboardInterrupt as error:
        sys.exit(response_for(error).exit_code)


if __name__ == "__main__":
    main(prog_name="python -m labkit_hub")
