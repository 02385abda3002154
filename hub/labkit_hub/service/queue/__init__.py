"""The queue: runs wait for devices in a fair line, and start as servers of their owners. docs/queue.md says what holds."""

from labkit_hub.service.queue.room import Queue, open_queue

__all__ = ["Queue", "open_queue"]
