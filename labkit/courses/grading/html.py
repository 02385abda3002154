"""The page of an executed notebook: one file, without scripts and without anything that lies elsewhere.

What a student's code displayed as HTML stays in it: the page is meant for a sandboxed frame, whose policy allows inline styles and
images within the page, and nothing else. Scripts are taken out all the same.
"""

from __future__ import annotations

import functools
import html
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

__all__ = ["PAGE_S", "notebook_page", "page_bytes", "prepare_pages"]

_MOST_BYTES = 20_000_000
_MOST_LINES = 2_000
PAGE_S = 20.0
_SCRIPT = re.compile(r"<\s*script\b.*?(?:<\s*/\s*script\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"<\s*(?:/\s*)?(?:script|iframe|object|embed|base|meta|link|form)\b[^>]*>", re.IGNORECASE)
_HANDLER = re.compile(r"(<[a-z][^<>]{0,5000}?)\son[a-z]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; color: #1b1b1b; background: #fff; }
pre { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: .2rem 0; }
.input_area, .highlight { background: #f5f5f5; border-radius: 4px; padding: .3rem .6rem; }
.output_area { padding: .2rem .6rem; border-left: 3px solid #ddd; margin: .3rem 0; overflow-x: auto; }
.output_error { border-left-color: #c0392b; } .prompt { color: #777; font-size: 12px; } img, svg { max-width: 100%; }
table { border-collapse: collapse; } td, th { border: 1px solid #ccc; padding: .2rem .5rem; }
.ansi-red-fg { color: #c0392b; } .ansi-green-fg { color: #1e8449; } .ansi-bold { font-weight: bold; }
"""


@functools.cache
def _exporter() -> Any:
    import nbconvert
    from jinja2 import pass_context
    from nbconvert.exporters import HTMLExporter
    from nbconvert.filters.markdown_mistune import InvalidNotebook

    class Exporter(HTMLExporter):
        """Finds the templates where nbconvert was installed: environments are put on others, and then it is not at home in ours."""

        def get_prefix_root_dirs(self) -> list[str]:
            usual: list[str] = super().get_prefix_root_dirs()  # type: ignore[no-untyped-call]
            return [*usual, str(Path(nbconvert.__file__).parents[4] / "share" / "jupyter")]

        @pass_context
        def markdown2html(self, context: Any, source: str) -> str:
            try:
                return str(super().markdown2html(context, source))
            except InvalidNotebook:  # it names an attachment that is not there: its words are shown all the same
                return str(super().markdown2html(context, source.replace("attachment:", "not-attached:")))

    return Exporter(template_name="basic", embed_images=False, sanitize_html=False)  # type: ignore[no-untyped-call]


@functools.cache
def _colours() -> str:
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    return str(HtmlFormatter().get_style_defs(".highlight"))


def prepare_pages() -> None:
    """Load what makes pages, and make one."""
    notebook_page(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), "")  # type: ignore[no-untyped-call]


def notebook_page(notebook: Any, title: str) -> bytes:
    """Return the page; a notebook that cannot be made into one is shown as text."""
    _exporter()  # a fault of the installation is no fault of the notebook
    try:
        body = _in_time(lambda: _without_scripts(_body(notebook)), PAGE_S)
    except _TooLong:
        body = _without_scripts(_as_text(notebook, "it takes too long"))
    head = f"<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><title>{html.escape(title)}</title>"
    return f"{head}<style>{_STYLE}{_colours()}</style></head><body>{body}</body></html>".encode("utf-8", "replace")


def _body(notebook: Any) -> str:
    try:
        body: str = _exporter().from_notebook_node(notebook)[0]
    except Exception as error:  # nbconvert reads what a kernel sent, by a dozen libraries
        body = _as_text(notebook, type(error).__name__)
    return body if len(body) <= _MOST_BYTES else _as_text(notebook, "it is too large")


class _TooLong(BaseException):
    """Time is up; no library's ``except Exception`` is to keep it."""


def _in_time(make: Callable[[], str], seconds: float) -> str:
    """Return what is made, unless that takes too long: Markdown and code have texts that take their readers hours.

    Raises
    ------
    _TooLong
    """
    if threading.current_thread() is not threading.main_thread():
        return make()

    def stop(*_: object) -> None:
        raise _TooLong

    handler, timer = signal.signal(signal.SIGALRM, stop), signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        return make()
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def _without_scripts(body: str) -> str:
    body = _TAGS.sub("", _SCRIPT.sub("", body))
    for _ in range(5):
        body, changed = _HANDLER.subn(r"\1", body)
        if not changed:
            break
    return body


def _as_text(notebook: Any, why: str) -> str:
    parts = [f"<p>This notebook could not be shown as it is ({html.escape(why)}). Its cells:</p>"]
    for cell in notebook.cells:
        lines = str(cell.source).splitlines()[:_MOST_LINES]
        parts.append(f"<pre class=input_area>{html.escape(chr(10).join(lines))[:100_000]}</pre>")
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("evalue") or output.get("data", {}).get("text/plain", "")
            parts.append(f"<pre class=output_area>{html.escape(str(text)[:20_000])}</pre>")
    return "\n".join(parts)


def page_bytes(notebook: Any) -> bytes:
    """Return the executed notebook as a file."""
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return text.encode("utf-8", "replace")
