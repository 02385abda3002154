"""What all routes share: how a body is read, how a reply is written, how an error is told."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, TypeVar

from jupyter_server.base.handlers import APIHandler
from pydantic import BaseModel, ValidationError
from tornado.web import HTTPError

from labkit.errors import InvalidInput, LabKitError, response_for
from labkit_lab.wire import ErrorBody, ErrorReply, WireModel

__all__ = ["Route"]

ModelT = TypeVar("ModelT", bound=BaseModel)
_MAX_BODY_BYTES = 1 << 20  # messages are small; pictures do not come this way


class Route(APIHandler):
    """Base of LabKit's routes; whatever a method raises becomes an `ErrorReply`.

    A subclass decorates each of its methods with ``web.authenticated`` and ``authorized``; a test tries every route of
    the loader's table without a token. Work that blocks goes through ``asyncio.to_thread``.
    """

    auth_resource = "labkit"
    _incident = ""

    def parsed_body(self, kind: type[ModelT]) -> ModelT:
        """Return the request's body as a message of `kind`.

        Raises
        ------
        InvalidInput
            The body is not such a message.
        """
        if len(self.request.body) > _MAX_BODY_BYTES:
            raise InvalidInput("The request is too large.", hint="Send at most 1 MiB.")
        return _checked(kind, lambda: kind.model_validate_json(self.request.body))

    def parsed_query(self, kind: type[ModelT]) -> ModelT:
        """Return those arguments of the address that `kind` has fields for, as a message of `kind`.

        Raises
        ------
        InvalidInput
            An argument is missing or is not what its field asks for.
        """
        names = [name for name in self.request.query_arguments if name in kind.model_fields]
        return _checked(kind, lambda: kind.model_validate({name: self.get_query_argument(name) for name in names}))

    def reply(self, message: WireModel, status: int = HTTPStatus.OK) -> None:
        """Answer with `message` as JSON; it is not to be kept, because it is true only now."""
        self.set_status(status)
        self.set_header("Cache-Control", "private, no-store")
        self.finish(message.model_dump_json())

    def log_exception(self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        """Log what the user is told as one line, and anything else in full under an id that the user is given."""
        if isinstance(value, LabKitError):
            self.log.info("%s %s: %s: %s", self.request.method, self.request.path, type(value).__name__, value)
        elif isinstance(value, HTTPError) or typ is None or value is None:
            super().log_exception(typ, value, tb)
        else:
            self._incident = secrets.token_hex(4)
            self.log.error("Incident %s in %s %s", self._incident, self.request.method, self.request.path, exc_info=(typ, value, tb))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with an `ErrorReply`: the text of a `LabKitError`, or the id under which anything else is logged."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, LabKitError):
            status_code = response_for(error).http_status
            body = ErrorBody(**error.as_dict())
        elif isinstance(error, HTTPError) or not self._incident:
            body = _http_error_body(status_code, error)
        else:
            body = ErrorBody(
                type="InternalError",
                message="Something went wrong inside LabKit.",
                hint=f"Try again; if it stays, give the number {self._incident} to whoever looks after LabKit.",
            )
        self.reply(ErrorReply(error=body), status_code)


def _checked(kind: type[ModelT], parse: Callable[[], ModelT]) -> ModelT:
    try:
        return parse()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "message"
        raise InvalidInput(
            f"The request is not a valid {kind.__name__}: {where}: {first['msg']}.", hint="Reload the page and try again."
        ) from error


def _http_error_body(status_code: int, error: BaseException | None) -> ErrorBody:
    phrase = HTTPStatus(status_code).phrase if status_code in set(HTTPStatus) else "Unknown"
    hint = (
        "Reload the page and log in again."
        if status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        else "Reload the page and try again."
    )
    return ErrorBody(type=type(error).__name__ if error else "HTTPError", message=f"The server refused the request: {phrase}.", hint=hint)
