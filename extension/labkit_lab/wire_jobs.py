"""Work that takes its time, with the reports that may come of it."""

from __future__ import annotations

from typing import Literal

from labkit_lab.wire import WireModel
from labkit_lab.wire_authoring import ReleasedReport, TestedReport
from labkit_lab.wire_exchange import ExportReport, ImportReport, LookReport
from labkit_lab.wire_models import ModelExportReport
from labkit_lab.wire_quality import AgreementReport, ConsensusReport, ValidationReport
from labkit_lab.wire_sets import ComparisonReport, PlanReport, PreviewReport, SetItem
from labkit_lab.wire_trials import TrialReport

__all__ = ["JOBS_REPLIES", "JobItem", "JobStage"]


JobStage = Literal["running", "done", "failed", "cancelled"]


class JobItem(WireModel):
    """Work that takes its time: ``done`` of ``total`` steps; at its end one report, or ``message`` and ``hint``.

    ``unit`` says what the steps are (``cells``, ``checks``), and is empty where it does not matter.
    """

    id: str
    state: JobStage
    done: float
    total: float
    unit: str
    message: str
    hint: str
    validation: ValidationReport | None
    agreement: AgreementReport | None
    consensus: ConsensusReport | None
    exported: ExportReport | None
    looked: LookReport | None
    imported: ImportReport | None
    planned: PlanReport | None
    built: SetItem | None
    compared: ComparisonReport | None
    previewed: PreviewReport | None
    model_file: ModelExportReport | None
    tried: TrialReport | None
    tested: TestedReport | None
    released: ReleasedReport | None


JOBS_REPLIES: tuple[type[WireModel], ...] = (JobItem,)
