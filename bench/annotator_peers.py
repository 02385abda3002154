"""Other annotation widgets at the steps that they can do, in a JupyterLab of their own: a picture opened, a box drawn."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image
from playwright.sync_api import Browser, Error, Locator, Page, expect

from bench.peers import peers_python
from labkit.testing.lab import WITHIN_S, Lab, running_lab

__all__ = ["measure_peers"]

_SCRIPT = Path(__file__).with_name("annotator_peer_page.js")
_PICTURE_PX = 2048
_WIDGETS = {
    "ipyannotations": "from ipyannotations.images import BoxAnnotator\nw = BoxAnnotator(options=['nucleus'])\nw.display({picture!r})\nw",
    "jupyter_bbox_widget": "from jupyter_bbox_widget import BBoxWidget\nBBoxWidget(image={picture!r}, classes=['nucleus'])",
}
_SHOWN = {"ipyannotations": "canvas", "jupyter_bbox_widget": "img"}
_NO_PAN = "it can neither pan nor zoom"

Found = dict[str, float | str | None]


def measure_peers(folder: Path, browser: Browser, moves: int) -> Found:
    """Return for each peer the keys ``peer_<name>_open_s``, ``_preview_ms`` and ``_growth_mb``, None with a ``_why``.

    ``open`` is from Shift+Enter in a notebook with an idle kernel to the picture, imports included; ``preview`` from a move of the
    pointer to the end of the frame that shows it, one move at a time.
    """
    try:
        python = peers_python("peers_lab")
    except subprocess.CalledProcessError:
        return {key: value for name in _WIDGETS for key, value in _nothing(name, "its environment cannot be made").items()}
    place = folder / "peers"
    place.mkdir()
    found: Found = {}
    with running_lab(place, None, "", server_part=False, python=python) as lab:
        _save_picture(lab.home / "picture.png")
        for name in _WIDGETS:
            found |= _measure_one(lab, browser, name, moves)
    return found


def _measure_one(lab: Lab, browser: Browser, name: str, moves: int) -> Found:
    _save_notebook(lab.home / f"{name}.ipynb", _WIDGETS[name].format(picture="picture.png"))
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.set_default_timeout(WITHIN_S * 1e3)
        context.add_init_script(path=_SCRIPT)
        try:
            found = _measure_page(context.new_page(), lab, name, moves)
        except (Error, AssertionError) as error:
            return _nothing(name, str(error).splitlines()[0])
    return {**_keys(name, found), **_keys(name, {"growth_mb": None, "why": _NO_PAN})}


def _measure_page(page: Page, lab: Lab, name: str, moves: int) -> Mapping[str, float]:
    page.goto(lab.url.replace("/lab?", f"/lab/tree/{name}.ipynb?"))
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("labkitPeer.isOpen()")
    opened = page.evaluate("labkitPeer.take()")["opened"][0]
    _draw_box(page, page.locator(f".jp-OutputArea-output {_SHOWN[name]}").first, moves)
    preview: list[float] = page.evaluate("labkitPeer.take()")["preview"]
    return {"open_s": round(opened / 1e3, 2), "preview_ms": round(float(np.median(preview)), 1)}


def _draw_box(page: Page, shown: Locator, moves: int) -> None:
    """Drag over the picture; each move is drawn before the next."""
    shown.scroll_into_view_if_needed()
    area = shown.bounding_box()
    assert area is not None
    middle_y, middle_x = area["y"] + area["height"] / 3, area["x"] + area["width"] / 3
    page.mouse.move(middle_x, middle_y)
    page.mouse.down()
    for k in range(moves):
        page.mouse.move(middle_x + 5 + 2 * k, middle_y + 5 + 2 * k)
        page.wait_for_function("count => labkitPeer.previews() > count", arg=k)
    page.mouse.up()


def _nothing(name: str, why: str) -> Found:
    return _keys(name, {"open_s": None, "preview_ms": None, "growth_mb": None, "why": why})


def _keys(name: str, values: Mapping[str, float | str | None]) -> Found:
    return {f"peer_{name}_{key}": value for key, value in values.items()}


def _save_picture(path: Path) -> None:
    real = np.asarray(skimage.data.retina())  # type: ignore[no-untyped-call]
    Image.fromarray(np.tile(real, (2, 2, 1))[:_PICTURE_PX, :_PICTURE_PX]).save(path)


def _save_notebook(path: Path, code: str) -> None:
    cell: dict[str, object] = {"cell_type": "code", "id": "widget", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": [cell]}))
