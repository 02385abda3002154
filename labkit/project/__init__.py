"""Projects, their class schema, and the records of their images."""

from labkit.project.project import Project, list_projects
from labkit.project.records import CLASS_COLOURS, ClassRecord, ImageRecord, ProjectRecord, ProjectSummary, classes_from_names

__all__ = [
    "CLASS_COLOURS",
    "ClassRecord",
    "ImageRecord",
    "Project",
    "ProjectRecord",
    "ProjectSummary",
    "classes_from_names",
    "list_projects",
]
