"""Runs as people see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.wire import HubRunItem, HubRunState
from labkit_hub.service.queue.policy import Standing
from labkit_hub.service.tables import DeviceRow, LeaseRow, RunRow, UsageRow

__all__ = ["as_items"]


def as_items(session: Session, rows: Sequence[RunRow], standings: Mapping[str, Standing], base_path: str) -> list[HubRunItem]:
    """Return rows as wire models, with places, reasons and devices filled in; a few queries, however many there are."""
    titles = _device_titles(session, [row.id for row in rows if row.state != "waiting"])
    return [_item(row, standings.get(row.id), titles.get(row.id), base_path) for row in rows]


def _item(row: RunRow, standing: Standing | None, device: str | None, base_path: str) -> HubRunItem:
    waits = row.state == "waiting"
    return HubRunItem(
        id=row.id,
        owner=row.owner,
        title=row.title,
        kind=row.kind,
        course=row.course_id,
        path=row.path,
        profile=row.profile,
        state=cast("HubRunState", row.state),
        place=standing.place if waits and standing else None,
        reason=standing.reason if waits and standing else row.reason,
        progress=row.progress,
        device=device,
        submitted=row.submitted,
        started=None if row.state in ("waiting", "starting") else row.started,
        ended=row.ended,
        time_limit_s=row.time_limit_s,
        resumes=row.resumes,
        page=f"{base_path}/runs/{row.id}",
    )


def _device_titles(session: Session, run_ids: Sequence[str]) -> dict[str, str]:
    """Return by run what it computes on, or computed on last."""
    if not run_ids:
        return {}
    names: dict[str, dict[str, None]] = {}

    def add(found: Iterable[tuple[str | None, str]]) -> None:
        latest: dict[str, dict[str, None]] = {}
        for run_id, title in found:
            latest.setdefault(run_id or "", {})[title] = None
        names.update(latest)

    used = (
        select(UsageRow.run_id, DeviceRow.title)
        .join(DeviceRow, DeviceRow.key == UsageRow.device_key)
        .where(UsageRow.run_id.in_(run_ids))
        .order_by(UsageRow.id)
    )
    leased = (
        select(LeaseRow.run_id, DeviceRow.title).join(DeviceRow, DeviceRow.id == LeaseRow.device_id).where(LeaseRow.run_id.in_(run_ids))
    )
    for query in (used, leased):
        add([(row[0], row[1]) for row in session.execute(query)])
    return {run_id: ", ".join(titles) for run_id, titles in names.items()}
