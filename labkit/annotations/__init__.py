"""What people mark in images: objects, one document per author, their pixels by the background rule, and their quality."""

from typing import TYPE_CHECKING

from labkit.lazy import lazy_names

if TYPE_CHECKING:
    from labkit.annotations.agreement import Agreement, compare_documents, compare_with_gold
    from labkit.annotations.confusion import Confusion, mean_score
    from labkit.annotations.consensus import Consensus, build_consensus, merge_documents
    from labkit.annotations.document import FINISHED, Document
    from labkit.annotations.editor import Acknowledgement, Editor
    from labkit.annotations.edits import Change, Edit
    from labkit.annotations.exporting import EXPORT_FORMATS, ExportFormat, export_annotations
    from labkit.annotations.importing import AnnotationImport, import_annotations
    from labkit.annotations.locking import Claim, claim, claim_next_image, current_claim, next_free_image, release
    from labkit.annotations.objects import AnnotationObject, ObjectKind, new_object
    from labkit.annotations.pooling import PooledAgreement, pool_agreements
    from labkit.annotations.progress import ProgressRow, ProjectProgress, author_progress, project_progress
    from labkit.annotations.raster import IGNORE, rasterise_classes, rasterise_objects
    from labkit.annotations.records import document_sha256
    from labkit.annotations.review import (
        REVIEW_STATES,
        Review,
        ReviewState,
        active_seconds,
        add_comment,
        add_time,
        change_state,
        load_review,
        resolve_comment,
    )
    from labkit.annotations.store import (
        CONSENSUS,
        authors,
        change_document,
        document_author,
        may_draw,
        open_document,
        resolve_author,
        save_document,
    )
    from labkit.annotations.validation import ObjectFault, validate, validation_report

# Loaded when they are asked for: somebody waits while the annotator's kernel starts, and it needs little of this.
_HOMES = {
    "Acknowledgement": "editor",
    "Agreement": "agreement",
    "AnnotationImport": "importing",
    "AnnotationObject": "objects",
    "CONSENSUS": "store",
    "Change": "edits",
    "Claim": "locking",
    "Confusion": "confusion",
    "Consensus": "consensus",
    "Document": "document",
    "EXPORT_FORMATS": "exporting",
    "Edit": "edits",
    "Editor": "editor",
    "ExportFormat": "exporting",
    "FINISHED": "document",
    "IGNORE": "raster",
    "ObjectFault": "validation",
    "ObjectKind": "objects",
    "PooledAgreement": "pooling",
    "ProgressRow": "progress",
    "ProjectProgress": "progress",
    "REVIEW_STATES": "review",
    "Review": "review",
    "ReviewState": "review",
    "active_seconds": "review",
    "add_comment": "review",
    "add_time": "review",
    "author_progress": "progress",
    "authors": "store",
    "build_consensus": "consensus",
    "change_document": "store",
    "change_state": "review",
    "claim": "locking",
    "claim_next_image": "locking",
    "compare_documents": "agreement",
    "compare_with_gold": "agreement",
    "current_claim": "locking",
    "document_author": "store",
    "document_sha256": "records",
    "export_annotations": "exporting",
    "import_annotations": "importing",
    "load_review": "review",
    "may_draw": "store",
    "mean_score": "confusion",
    "merge_documents": "consensus",
    "new_object": "objects",
    "next_free_image": "locking",
    "open_document": "store",
    "pool_agreements": "pooling",
    "project_progress": "progress",
    "rasterise_classes": "raster",
    "rasterise_objects": "raster",
    "release": "locking",
    "resolve_author": "store",
    "resolve_comment": "review",
    "save_document": "store",
    "validate": "validation",
    "validation_report": "validation",
}

__all__ = [
    "CONSENSUS",
    "EXPORT_FORMATS",
    "FINISHED",
    "IGNORE",
    "REVIEW_STATES",
    "Acknowledgement",
    "Agreement",
    "AnnotationImport",
    "AnnotationObject",
    "Change",
    "Claim",
    "Confusion",
    "Consensus",
    "Document",
    "Edit",
    "Editor",
    "ExportFormat",
    "ObjectFault",
    "ObjectKind",
    "PooledAgreement",
    "ProgressRow",
    "ProjectProgress",
    "Review",
    "ReviewState",
    "active_seconds",
    "add_comment",
    "add_time",
    "author_progress",
    "authors",
    "build_consensus",
    "change_document",
    "change_state",
    "claim",
    "claim_next_image",
    "compare_documents",
    "compare_with_gold",
    "current_claim",
    "document_author",
    "document_sha256",
    "export_annotations",
    "import_annotations",
    "load_review",
    "may_draw",
    "mean_score",
    "merge_documents",
    "new_object",
    "next_free_image",
    "open_document",
    "pool_agreements",
    "project_progress",
    "rasterise_classes",
    "rasterise_objects",
    "release",
    "resolve_author",
    "resolve_comment",
    "save_document",
    "validate",
    "validation_report",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, __all__)
