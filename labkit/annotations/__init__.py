"""What people mark in images: objects, one document per author, and their pixels by the background rule."""

from labkit.annotations.document import FINISHED, Document
from labkit.annotations.editor import Acknowledgement, Editor
from labkit.annotations.edits import Change, Edit
from labkit.annotations.exporting import EXPORT_FORMATS, ExportFormat, export_annotations
from labkit.annotations.importing import AnnotationImport, import_annotations
from labkit.annotations.objects import AnnotationObject, ObjectKind, new_object
from labkit.annotations.raster import IGNORE, rasterise_classes, rasterise_objects
from labkit.annotations.store import authors, open_document, resolve_author, save_document
from labkit.annotations.validation import validate

__all__ = [
    "EXPORT_FORMATS",
    "FINISHED",
    "IGNORE",
    "Acknowledgement",
    "AnnotationImport",
    "AnnotationObject",
    "Change",
    "Document",
    "Edit",
    "Editor",
    "ExportFormat",
    "ObjectKind",
    "authors",
    "export_annotations",
    "import_annotations",
    "new_object",
    "open_document",
    "rasterise_classes",
    "rasterise_objects",
    "resolve_author",
    "save_document",
    "validate",
]
