"""How LabKit keeps things: the layout of a project, whole writes, records, locks."""

from typing import TYPE_CHECKING

from labkit.lazy import lazy_names

if TYPE_CHECKING:
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
    from labkit.storage.bundles import push_folder, unfinished_folders
    from labkit.storage.errors import ObjectMissing
    from labkit.storage.layout import (
        INCOMING_PREFIX,
        AnnotationLayout,
        CachedSetLayout,
        CacheLayout,
        CheckpointLayout,
        EncoderFolder,
        ImageLayout,
        ModelLayout,
        PredictionLayout,
        ProjectLayout,
        RemoteLayout,
        RunLayout,
        TrainingSetLayout,
        UploadLayout,
    )
    from labkit.storage.locks import hold_lock
    from labkit.storage.names import check_name, escape_name, plain_file_name, unescape_name
    from labkit.storage.objects import FolderObjects, ObjectFacts, Objects, PendingObject, open_objects
    from labkit.storage.records import Record, content_hash, file_sha256, load_record, new_id, save_record, utc_now
    from labkit.storage.s3 import S3Objects, fetch_object, is_remote

# Loaded when they are asked for: the process that decodes pictures starts often, and keeps no records.
_HOMES = {
    "AnnotationLayout": "layout",
    "CacheLayout": "layout",
    "CachedSetLayout": "layout",
    "CheckpointLayout": "layout",
    "EncoderFolder": "layout",
    "FolderObjects": "objects",
    "INCOMING_PREFIX": "layout",
    "ImageLayout": "layout",
    "ModelLayout": "layout",
    "ObjectMissing": "errors",
    "Objects": "objects",
    "PendingObject": "objects",
    "PredictionLayout": "layout",
    "ProjectLayout": "layout",
    "Record": "records",
    "RemoteLayout": "layout",
    "RunLayout": "layout",
    "S3Objects": "s3",
    "TrainingSetLayout": "layout",
    "UploadLayout": "layout",
    "ObjectFacts": "objects",
    "check_name": "names",
    "content_hash": "records",
    "escape_name": "names",
    "explain_os_errors": "atomic",
    "fetch_object": "s3",
    "file_sha256": "records",
    "fsync_folder": "atomic",
    "hold_lock": "locks",
    "is_remote": "s3",
    "load_record": "records",
    "new_folder": "atomic",
    "new_id": "records",
    "open_objects": "objects",
    "plain_file_name": "names",
    "publish_folder": "atomic",
    "push_folder": "bundles",
    "unfinished_folders": "bundles",
    "remove_tree": "atomic",
    "save_record": "records",
    "scratch_folder": "atomic",
    "unescape_name": "names",
    "utc_now": "records",
    "write_bytes": "atomic",
    "write_text": "atomic",
}

__all__ = [
    "INCOMING_PREFIX",
    "AnnotationLayout",
    "CacheLayout",
    "CachedSetLayout",
    "CheckpointLayout",
    "EncoderFolder",
    "FolderObjects",
    "ImageLayout",
    "ModelLayout",
    "ObjectFacts",
    "ObjectMissing",
    "Objects",
    "PendingObject",
    "PredictionLayout",
    "ProjectLayout",
    "Record",
    "RemoteLayout",
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
    "plain_file_name",
    "publish_folder",
    "push_folder",
    "remove_tree",
    "save_record",
    "scratch_folder",
    "unescape_name",
    "unfinished_folders",
    "utc_now",
    "write_bytes",
    "write_text",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, __all__)
