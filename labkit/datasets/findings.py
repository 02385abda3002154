"""Problems as they are found: each is a line for people, and those that refuse a set are also the error that it is refused with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from labkit.datasets.plan_records import SetProblem
from labkit.errors import Cancelled, InvalidInput, LabKitError

__all__ = ["Findings"]


class Findings:
    """Collects problems; the first error is what a build is refused with."""

    def __init__(self) -> None:
        self._problems: list[SetProblem] = []
        self._first: LabKitError | None = None

    @property
    def problems(self) -> tuple[SetProblem, ...]:
        """All of them: errors first, else in the order in which they were found."""
        return tuple(sorted(self._problems, key=lambda problem: problem.level != "error"))

    @property
    def refused(self) -> bool:
        """Whether there is an error among them."""
        return self._first is not None

    def warn(self, code: str, message: str, hint: str) -> None:
        """Note something that a person should know before the set is built."""
        self._problems.append(SetProblem(level="warning", code=code, message=message, hint=hint))

    def refuse(self, code: str, error: LabKitError) -> None:
        """Note a reason to build nothing."""
        self._first = self._first or error
        self._problems.append(SetProblem(level="error", code=code, message=error.message, hint=error.hint))

    @contextmanager
    def noting(self, code: str) -> Iterator[None]:
        """Note what goes wrong inside as an error, and go on."""
        try:
            yield
        except Cancelled:
            raise
        except LabKitError as error:
            self.refuse(code, error)

    def raise_first(self) -> None:
        """Raise the first error, if there is one."""
        if self._first is not None:
            raise self._first

    def need(self, condition: bool, code: str, message: str, hint: str) -> None:
        """Note an error unless `condition` holds."""
        if not condition:
            self.refuse(code, InvalidInput(message, hint=hint))
