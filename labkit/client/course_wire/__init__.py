"""Courses on the wire: assignments, releases, submissions, grades. `labkit.client.wire` says what holds for all models.

Paths are below ``/services/labkit/api/``. ``{c}`` is a course's id, ``{a}`` an assignment's, ``{s}`` a submission's. What a caller may
not know of is answered with 404.
"""

from labkit.client.course_wire.arrangements import Extension, ExtensionAsk, ExtensionList, GroupAsk, GroupItem, GroupList
from labkit.client.course_wire.assignments import AssignmentChange, AssignmentItem, AssignmentList, AssignmentState, LateRule, NewAssignment
from labkit.client.course_wire.audit import CourseAudit, CourseAuditItem
from labkit.client.course_wire.classroom import ActivityAsk, ClassCell, ClassRow, ClassView, Statistics
from labkit.client.course_wire.feedback import FeedbackAsk, FeedbackOutcome, ViewAddress, ViewAsk
from labkit.client.course_wire.grading import BatchItem, BatchList, GradeAsk, GradingJob, GradingTask, TaskResult
from labkit.client.course_wire.marks import GradeItem, HandScore, ScoreChange
from labkit.client.course_wire.releases import NewRelease, ReleaseItem
from labkit.client.course_wire.submissions import FilesAsk, FilesMissing, NewSubmission, Receipt, SubmissionItem, SubmissionList

__all__ = [
    "ActivityAsk",
    "AssignmentChange",
    "AssignmentItem",
    "AssignmentList",
    "AssignmentState",
    "BatchItem",
    "BatchList",
    "ClassCell",
    "ClassRow",
    "ClassView",
    "CourseAudit",
    "CourseAuditItem",
    "Extension",
    "ExtensionAsk",
    "ExtensionList",
    "FeedbackAsk",
    "FeedbackOutcome",
    "FilesAsk",
    "FilesMissing",
    "GradeAsk",
    "GradeItem",
    "GradingJob",
    "GradingTask",
    "GroupAsk",
    "GroupItem",
    "GroupList",
    "HandScore",
    "LateRule",
    "NewAssignment",
    "NewRelease",
    "NewSubmission",
    "Receipt",
    "ReleaseItem",
    "ScoreChange",
    "Statistics",
    "SubmissionItem",
    "SubmissionList",
    "TaskResult",
    "ViewAddress",
    "ViewAsk",
]
