"""Courses that were made with nbgrader, brought in whole; and courses written so that nbgrader 0.9 opens them."""

from labkit.courses.exchange.exporting import export_course
from labkit.courses.exchange.importing import import_course
from labkit.courses.exchange.records import CellGrade, CourseRecords, StudentRecord, SubmissionRecord

__all__ = ["CellGrade", "CourseRecords", "StudentRecord", "SubmissionRecord", "export_course", "import_course"]
