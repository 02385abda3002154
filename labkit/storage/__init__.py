"""How LabKit keeps things: the layout of a project, whole writes, records, locks."""

from labkit.storage.atomic import (
    explain_os_errors,
    fsync_folder,
    new_folder,
    publish_folder,
    remove_tree,
    scratch_folder,
    write_bytes,
    write_text,
)
from labkit.storage.errors import ObjectMissing
from labkit.storage.layout import (
    INCOMING_PREFIX,
    AnnotationLayout,
    CheckpointLayout,
    ImageLayout,
    ModelLayout,
    PredictionLayout,
    ProjectLayout,
    RunLayout,
    TrainingSetLayout,
    UploadLayout,
    check_name,
    escape_name,
    unescape_name,
)
from labkit.storage.locks import hold_lock
from labkit.storage.objects import FolderObjects, Objects, PendingObject, open_objects
from labkit.storage.records import Record, content_hash, file_sha256, load_record, new_id, save_record, utc_now
from labkit.storage.s3 import S3Objects, fetch_object, is_remote

__all__ = [
    "INCOMING_PREFIX",
    "AnnotationLayout",
    "CheckpointLayout",
    "FolderObjects",
    "ImageLayout",
    "ModelLayout",
    "ObjectMissing",
    "Objects",
    "PendingObject",
    "PredictionLayout",
    "ProjectLayout",
    "Record",
    "RunLayout",
    "S3Objects",
    "TrainingSetLayout",
    "UploadLayout",
    "check_name",
    "content_hash",
    "escape_name",
    "explain_os_errors",
    "fetch_object",
    "file_sha256",
    "fsync_folder",
    "hold_lock",
    "is_remote",
    "load_record",
    "new_folder",
    "new_id",
    "open_objects",
    "publish_folder",
    "remove_tree",
    "save_record",
    "scratch_folder",
    "unescape_name",
    "utc_now",
    "write_bytes",
    "write_text",
]
