"""The first accounts: their generated passwords, and which of these still open the door."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

import bcrypt
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from labkit.errors import InvalidInput, NotFound
from labkit.storage import INCOMING_PREFIX, Record, explain_os_errors, load_record
from labkit_hub.settings import Settings

__all__ = [
    "FIRST_ACCOUNTS",
    "Logins",
    "hash_password",
    "is_usable_password",
    "load_logins",
    "reset_password",
    "save_logins",
    "valid_logins",
]

FIRST_ACCOUNTS = ("admin", "professor", "student")
# No letters or digits that look alike; 12 of 31 are 59 bits.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_LONGEST_BYTES = 72


class Logins(Record):
    """Generated passwords by user name, as they were given out."""

    format: int = 1
    passwords: dict[str, str] = {}


def new_password() -> str:
    """Return a random password that can be read aloud, such as ``k7mq-x2ad-9wvp``."""
    letters = [secrets.choice(_ALPHABET) for _ in range(12)]
    return "-".join("".join(letters[start : start + 4]) for start in (0, 4, 8))


def is_usable_password(password: str) -> bool:
    """Say whether bcrypt can take `password`: at most 72 bytes of UTF-8, none of them zero."""
    data = password.encode("utf-8", "replace")
    return 0 < len(data) <= _LONGEST_BYTES and b"\0" not in data


def hash_password(password: str) -> bytes:
    """Return the salted hash that the hub's database keeps."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt())


def load_logins(path: Path) -> Logins:
    """Read the generated passwords; none if the file is not there."""
    try:
        return load_record(path, Logins)
    except NotFound:
        return Logins()


def save_logins(path: Path, logins: Logins) -> None:
    """Write the generated passwords, readable by the owner only from the first byte on."""
    with explain_os_errors(path):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=INCOMING_PREFIX)  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(logins.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def complete_logins(path: Path) -> Logins:
    """Return passwords for all first accounts; what is missing is made and saved."""
    logins = load_logins(path)
    missing = {name: new_password() for name in FIRST_ACCOUNTS if name not in logins.passwords}
    if missing:
        logins = Logins(passwords={**logins.passwords, **missing})
        save_logins(path, logins)
    return logins


def valid_logins(settings: Settings) -> dict[str, str | None]:
    """Return the generated passwords by user name: None where the account is gone, closed, or has another password now.

    Where accounts are kept elsewhere, none opens anything.
    """
    if settings.accounts.kind != "password":
        return {}
    passwords = load_logins(settings.layout.logins).passwords
    engine = create_engine(settings.resolved_database_url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT username, password FROM users_info WHERE is_authorized")).all()
    except SQLAlchemyError:
        rows = []
    finally:
        engine.dispose()
    hashes = {str(name): bytes(hashed) for name, hashed in rows}
    return {
        name: password if name in hashes and bcrypt.checkpw(password.encode(), hashes[name]) else None
        for name, password in passwords.items()
    }


def reset_password(settings: Settings, username: str) -> str:
    """Give `username` a new generated password, note it with the others, and return it.

    Raises
    ------
    NotFound
        There is no such account.
    InvalidInput
        The hub was never started with these settings.
    """
    password = new_password()
    engine = create_engine(settings.resolved_database_url)
    try:
        with engine.begin() as connection:
            found = connection.execute(
                text("UPDATE users_info SET password = :hashed WHERE username = :name"),
                {"hashed": hash_password(password), "name": username.lower()},
            ).rowcount
    except SQLAlchemyError as error:
        raise InvalidInput(
            "This hub has no accounts yet.", hint="Start it once with `make start`, or set LABKIT_VAR to its folder."
        ) from error
    finally:
        engine.dispose()
    if not found:
        raise NotFound(f"There is no account {username!r}.", hint="The admin's page Accounts lists them all.", username=username)
    path = settings.layout.logins
    save_logins(path, Logins(passwords={**load_logins(path).passwords, username.lower(): password}))
    return password
