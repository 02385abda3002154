"""The route that says which values of a picture are seen, for the annotator's "Auto"."""

from __future__ import annotations

import asyncio
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.config import projects_dir
from labkit_lab.server.images import opened_image
from labkit_lab.server.route import Route
from labkit_lab.wire import ChannelWindow, ChannelWindows, WindowsQuery

__all__ = ["WindowsRoute"]


class WindowsRoute(Route):
    """A range of values for each channel of an image."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str, image_id: str) -> None:
        """Answer with percentiles of what is seen."""
        asked = self.parsed_query(WindowsQuery)
        self.reply(await asyncio.to_thread(_windows, projects_dir(), project_id, image_id, asked))


def _windows(folder: Path, project_id: str, image_id: str, asked: WindowsQuery) -> ChannelWindows:
    from labkit.geometry import Box  # here, because most servers never need them
    from labkit.tiling.seen import seen_windows

    image = opened_image(folder, project_id, image_id)
    windows = seen_windows(image, Box(asked.y0, asked.x0, asked.y1, asked.x1), z=asked.z, t=asked.t)
    return ChannelWindows(windows=tuple(ChannelWindow(channel=k, start=start, end=end) for k, (start, end) in enumerate(windows)))
