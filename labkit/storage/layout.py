"""Where everything lies in a project. The only module that spells file names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labkit.storage.names import escape_name, plain_file_name

__all__ = [
    "INCOMING_PREFIX",
    "AnnotationLayout",
    "AuthorLayout",
    "CacheLayout",
    "CachedSetLayout",
    "CheckpointLayout",
    "CourseWorkLayout",
    "EncoderFolder",
    "ImageLayout",
    "ModelLayout",
    "PredictionLayout",
    "ProjectLayout",
    "RemoteLayout",
    "RunLayout",
    "StateLayout",
    "TrainingSetLayout",
    "UploadLayout",
]

INCOMING_PREFIX = ".incoming-"
_WEIGHTS = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True, slots=True)
class ImageLayout:
    """``images/<id>/``: one imported picture, never changed afterwards."""

    root: Path

    @property
    def record(self) -> Path:
        """The image's manifest, written last."""
        return self.root / "image.json"

    @property
    def store(self) -> Path:
        """The OME-Zarr group."""
        return self.root / "image.ome.zarr"

    @property
    def alpha(self) -> Path:
        """The OME-Zarr group of the alpha channel, where a pixel is not fully opaque."""
        return self.root / "alpha.ome.zarr"

    @property
    def ledger(self) -> Path:
        """Finished blocks of the import, one JSON object a line."""
        return self.root / "ledger.jsonl"

    @property
    def profile(self) -> Path:
        """The colour profile, as it stood in the file."""
        return self.root / "profile.icc"

    @property
    def job(self) -> Path:
        """While the import is under way: which id the image will have."""
        return self.root / "import.json"

    @property
    def scratch(self) -> Path:
        """While the import is under way: pixels that fit neither memory nor the order in which they are needed."""
        return self.root / "scratch.raw"


@dataclass(frozen=True, slots=True)
class AnnotationLayout:
    """``annotations/<image-id>/<author>/``: one author's document."""

    root: Path

    @property
    def snapshot(self) -> Path:
        """The whole document as GeoJSON."""
        return self.root / "snapshot.geojson"

    @property
    def journal(self) -> Path:
        """Operations since the snapshot, one JSON object a line."""
        return self.root / "journal.jsonl"

    @property
    def exists(self) -> bool:
        """Whether there is a document: saved as a whole, or a journal of its first edits."""
        return self.snapshot.is_file() or self.journal.is_file()

    @property
    def review(self) -> Path:
        """State of the document's review, comments on it, and the time that went into it."""
        return self.root / "review.json"

    @property
    def lock(self) -> Path:
        """Held while the document or its review is written."""
        return self.root / ".lock"


@dataclass(frozen=True, slots=True)
class TrainingSetLayout:
    """``training-sets/<name>@<hash>/``: immutable chips and masks."""

    root: Path

    @property
    def manifest(self) -> Path:
        """What is in the set and where it comes from, written last."""
        return self.root / "manifest.json"

    @property
    def store(self) -> Path:
        """Zarr group with the chips, masks and object ids of each part of the split."""
        return self.root / "data.zarr"


@dataclass(frozen=True, slots=True)
class CachedSetLayout:
    """``<cache>/training-sets/<name>@<hash>-<address>/``: a copy of a training set of an object store."""

    root: Path

    @property
    def data(self) -> TrainingSetLayout:
        """The copy; it is whole if its manifest is there."""
        return TrainingSetLayout(self.root / "set")

    @property
    def used(self) -> Path:
        """Its time is that of the last use."""
        return self.root / "used"

    @property
    def lock(self) -> Path:
        """Held while the copy is made or removed; beside the folder, so that it outlives it."""
        return self.root.with_name(self.root.name + ".lock")

    @property
    def in_use(self) -> Path:
        """Held, by several at once, by the programs that read the copy."""
        return self.root.with_name(self.root.name + ".in-use")


@dataclass(frozen=True, slots=True)
class CacheLayout:
    """The folder for what can be fetched again."""

    root: Path

    @property
    def training_sets(self) -> Path:
        """Folder of the copies of training sets."""
        return self.root / "training-sets"

    def training_set(self, key: str, address_hash: str) -> CachedSetLayout:
        """Return the places of the copy of a training set; the hash is that of the address which it comes from."""
        return CachedSetLayout(self.training_sets / f"{key}-{address_hash}")

    def training_set_copies(self) -> tuple[CachedSetLayout, ...]:
        """Return the copies that there are, whole or not."""
        folder = self.training_sets
        return tuple(CachedSetLayout(path) for path in sorted(folder.iterdir()) if path.is_dir()) if folder.is_dir() else ()


@dataclass(frozen=True, slots=True)
class RemoteLayout:
    """Below an ``s3://`` address: immutable sets and models, and checkpoints that a manifest names by their content."""

    url: str

    @property
    def training_sets(self) -> str:
        """Address below which training sets lie."""
        return f"{self.url.rstrip('/')}/training-sets"

    def training_set(self, key: str) -> str:
        """Return the address of a training set ``name@hash``."""
        return f"{self.training_sets}/{key}"

    @property
    def set_manifest(self) -> str:
        """Key of the manifest of a training set, below its address."""
        return TrainingSetLayout(Path()).manifest.name

    @property
    def model_manifest(self) -> str:
        """Key of the card of a model, below its address."""
        return ModelLayout(Path()).card.name

    @property
    def models(self) -> str:
        """Address below which models lie."""
        return f"{self.url.rstrip('/')}/models"

    def model(self, name: str, hash_: str) -> str:
        """Return the address of a model, by the hash of its weights and its card."""
        return f"{self.models}/{name}@{hash_}"

    @property
    def checkpoints_manifest(self) -> str:
        """Key of what names the objects of the newest checkpoint; written last."""
        return "checkpoints.json"

    def checkpoint_object(self, sha256: str) -> str:
        """Return the key of a file of a checkpoint, by its content."""
        return f"objects/{sha256}"


@dataclass(frozen=True, slots=True)
class CheckpointLayout:
    """Where a training keeps what it has so far (``checkpoints/`` of a run)."""

    root: Path

    @property
    def best_weights(self) -> Path:
        """Weights of the best epoch so far, as safetensors."""
        return self.root / "best.safetensors"

    @property
    def resume_state(self) -> Path:
        """What a training goes on from: network, optimiser, random state, history and the best weights, in one file."""
        return self.root / "resume.pt"

    @property
    def samples(self) -> Path:
        """Some validation chips beside their truth and the network's answer, as it was after the last epoch."""
        return self.root / "samples.png"

    @property
    def history(self) -> Path:
        """One line of numbers per epoch, as CSV."""
        return self.root / "history.csv"


@dataclass(frozen=True, slots=True)
class RunLayout:
    """``runs/<run-id>/``: one run, written by its supervisor and its child."""

    root: Path

    @property
    def record(self) -> Path:
        """State of the run, written by the supervisor only."""
        return self.root / "run.json"

    @property
    def spec(self) -> Path:
        """What was asked for; never changes."""
        return self.root / "spec.json"

    @property
    def source(self) -> Path:
        """The notebook as it was handed in: what is executed, however the original changes."""
        return self.root / "source.ipynb"

    @property
    def config(self) -> Path:
        """The validated config that the notebook gets."""
        return self.root / "config.json"

    @property
    def events(self) -> Path:
        """Progress, one JSON object a line."""
        return self.root / "events.jsonl"

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.root / "output.ipynb"

    @property
    def checkpoints(self) -> CheckpointLayout:
        """Weights, state to go on from, and history of a training."""
        return CheckpointLayout(self.root / "checkpoints")

    @property
    def result(self) -> Path:
        """What the run made, written last by the child: without it a run is never done."""
        return self.root / "result.json"

    @property
    def log(self) -> Path:
        """What supervisor and child printed."""
        return self.root / "log.txt"

    @property
    def cancel_request(self) -> Path:
        """Somebody asked the run to stop."""
        return self.root / "cancel"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.root / ".lock"

    @property
    def reserve(self) -> Path:
        """Some room that the supervisor gives back when the disk is full, so that it can still write why the run ended."""
        return self.root / ".reserve"


@dataclass(frozen=True, slots=True)
class ModelLayout:
    """``models/<name>/<version>/``: weights and the card that explains them."""

    root: Path

    @property
    def weights(self) -> Path:
        """The weights, as safetensors."""
        return self.root / "weights.safetensors"

    @property
    def card(self) -> Path:
        """Architecture, data, settings and numbers of the model; written last."""
        return self.root / "card.json"


@dataclass(frozen=True, slots=True)
class EncoderFolder:
    """A folder of pretrained encoders: files of weights, each with a label of the same name."""

    root: Path

    def names(self) -> tuple[str, ...]:
        """Return the names of the encoders there are."""
        return tuple(sorted({p.stem for p in self.root.iterdir() if p.suffix in _WEIGHTS and not p.name.startswith(".") and p.is_file()}))

    def weights(self, name: str) -> Path:
        """Return the file of an encoder: safetensors, if there are several."""
        found = (self.root / f"{name}{suffix}" for suffix in _WEIGHTS)
        return next((path for path in found if path.is_file()), self.root / f"{name}{_WEIGHTS[0]}")

    def label(self, name: str) -> Path:
        """Return what stands about an encoder: hash, licence, source."""
        return self.root / f"{name}.json"

    def fetched(self, sha256: str, suffix: str) -> Path:
        """Return where an encoder lies that comes from an object store; any suffix but that of safetensors means torch's own format."""
        return self.root / f"{sha256}{suffix if suffix in _WEIGHTS else _WEIGHTS[1]}"


@dataclass(frozen=True, slots=True)
class PredictionLayout:
    """``predictions/<image-id>/<hash>/``: what one model says of one image."""

    root: Path

    @property
    def record(self) -> Path:
        """The manifest, written last."""
        return self.root / "prediction.json"

    @property
    def labels(self) -> Path:
        """Object ids (uint32) as an OME-Zarr label image."""
        return self.root / "labels.ome.zarr"

    @property
    def classes(self) -> Path:
        """Class per pixel (uint8) as an OME-Zarr label image."""
        return self.root / "classes.ome.zarr"

    @property
    def probability(self) -> Path:
        """Probability (uint8, 0-255) of anything but background, as an OME-Zarr image."""
        return self.root / "probability.ome.zarr"

    @property
    def objects(self) -> Path:
        """One line of measurements per object."""
        return self.root / "objects.csv"

    @property
    def analysis(self) -> Path:
        """The numbers of the analysis."""
        return self.root / "analysis.json"

    @property
    def overlay(self) -> Path:
        """The picture with the outlines of what was found."""
        return self.root / "overlay.png"

    @property
    def report(self) -> Path:
        """The report as one page that stands alone."""
        return self.root / "report.html"


@dataclass(frozen=True, slots=True)
class UploadLayout:
    """``.uploads/<id>/``: a file on its way from a browser into the project."""

    root: Path

    @property
    def record(self) -> Path:
        """What the browser said of the file; without it there is no upload."""
        return self.root / "upload.json"

    @property
    def received(self) -> Path:
        """How many bytes have been acknowledged, as a number."""
        return self.root / "received"

    @property
    def state(self) -> Path:
        """What is to be done with the complete file, or why nothing is."""
        return self.root / "import.json"

    def content(self, file_name: str) -> Path:
        """Return where the bytes lie: any text becomes one safe name, so that errors name the file as its owner does."""
        return self.root / "content" / plain_file_name(file_name)

    @property
    def lock(self) -> Path:
        """Held while bytes are appended or imported; beside the folder, so that it outlives it."""
        return self.root.with_name(self.root.name + ".lock")


@dataclass(frozen=True, slots=True)
class ProjectLayout:
    """The folder of a project."""

    root: Path

    @property
    def record(self) -> Path:
        """The project's manifest; a folder without it is no project."""
        return self.root / "project.json"

    @property
    def lock(self) -> Path:
        """Held while the project's manifest is changed."""
        return self.root / ".lock"

    @property
    def groups(self) -> Path:
        """What each image belongs to (slide, animal, ...), as people said; not there while nobody has."""
        return self.root / "groups.json"

    @property
    def images(self) -> Path:
        """Folder of the images."""
        return self.root / "images"

    def image(self, image_id: str) -> ImageLayout:
        """Return the places of one image."""
        return ImageLayout(self.images / image_id)

    def has_image(self, image_id: str) -> bool:
        """Return whether the project has an image of this id, which may come from outside: none leads out of the project."""
        return "/" not in image_id and not image_id.startswith(".") and self.image(image_id).record.is_file()

    def incoming_image(self, key: str) -> ImageLayout:
        """Return where an unfinished import lies; `key` names its source and settings, so that it can resume."""
        return ImageLayout(self.images / f"{INCOMING_PREFIX}{key}")

    def incoming_source(self, key: str) -> Path:
        """Return where a source that comes from an object store lies while it is imported."""
        return self.images / f"{INCOMING_PREFIX}source-{key}"

    @property
    def uploads(self) -> Path:
        """Folder of the files that a browser is sending; hidden, because they are nothing yet."""
        return self.root / ".uploads"

    def upload(self, upload_id: str) -> UploadLayout:
        """Return the places of one upload."""
        return UploadLayout(self.uploads / upload_id)

    @property
    def annotations(self) -> Path:
        """Folder of the annotations."""
        return self.root / "annotations"

    def annotation(self, image_id: str, author: str) -> AnnotationLayout:
        """Return the places of one author's document of one image."""
        return AnnotationLayout(self.annotations / image_id / escape_name(author))

    @property
    def claims(self) -> Path:
        """Folder of the claims: who is annotating which image now."""
        return self.root / "claims"

    def claim(self, image_id: str) -> Path:
        """Return where it stands who is annotating an image now."""
        return self.claims / image_id / "claim.json"

    def claim_lock(self, image_id: str) -> Path:
        """Return the lock that is held while a claim is made or given back."""
        return self.claims / image_id / ".lock"

    def is_annotated(self, image_id: str) -> bool:
        """Return whether anybody has saved annotations of an image."""
        folder = self.annotations / image_id
        return folder.is_dir() and any(AnnotationLayout(path).exists for path in folder.iterdir())

    @property
    def training_sets(self) -> Path:
        """Folder of the training sets."""
        return self.root / "training-sets"

    def training_set(self, name: str, hash_: str) -> TrainingSetLayout:
        """Return the places of one training set."""
        return TrainingSetLayout(self.training_sets / f"{name}@{hash_}")

    @property
    def runs(self) -> Path:
        """Folder of the runs."""
        return self.root / "runs"

    def run(self, run_id: str) -> RunLayout:
        """Return the places of one run."""
        return RunLayout(self.runs / run_id)

    @property
    def models(self) -> Path:
        """Folder of the models."""
        return self.root / "models"

    def model(self, name: str, version: int) -> ModelLayout:
        """Return the places of one version of a model."""
        return ModelLayout(self.models / name / str(version))

    def model_shelf(self, name: str) -> Path:
        """Return where it stands which versions of a model are promoted or retired."""
        return self.models / name / "shelf.json"

    def model_shelf_lock(self, name: str) -> Path:
        """Return the lock that is held while a shelf is changed."""
        return self.models / name / ".lock"

    @property
    def predictions(self) -> Path:
        """Folder of the predictions."""
        return self.root / "predictions"

    def prediction(self, image_id: str, hash_: str) -> PredictionLayout:
        """Return the places of one prediction."""
        return PredictionLayout(self.predictions / image_id / hash_)


@dataclass(frozen=True, slots=True)
class CourseWorkLayout:
    """``~/courses/<course>/<assignment>/``: what a person works on, as it was fetched and as they changed it."""

    root: Path

    @property
    def own(self) -> Path:
        """Folder of what LabKit notes here; it is never sent."""
        return self.root / ".labkit"

    @property
    def record(self) -> Path:
        """Of which assignment and release this is, and what was fetched."""
        return self.own / "assignment.json"

    def incoming(self, assignment: str) -> Path:
        """Return where files of an assignment wait until all are there; it stays behind where a fetch was cut short."""
        return self.own / "incoming" / assignment

    @property
    def pending(self) -> Path:
        """A submission that was sent and not answered yet."""
        return self.own / "pending.json"

    @property
    def lock(self) -> Path:
        """Held while files are fetched or sent."""
        return self.own / ".lock"

    @property
    def receipts(self) -> Path:
        """Folder of the receipts."""
        return self.own / "receipts"

    def receipt(self, attempt: int, submission: str) -> Path:
        """Return the place of one receipt."""
        return self.receipts / f"{attempt:03}-{submission}.json"

    @property
    def chosen_projects(self) -> Path:
        """Out of which project the annotations of each picture are taken, where somebody said so."""
        return self.own / "projects.json"

    @property
    def feedback(self) -> Path:
        """Folder of what came back; it is not sent with the next submission."""
        return self.root / "feedback"


@dataclass(frozen=True, slots=True)
class AuthorLayout:
    """The folder of an assignment as its author keeps it, wherever that is, and the preview that is written beside it."""

    root: Path

    @property
    def record(self) -> Path:
        """As which assignments it is released; it is hidden, so that it is never released itself."""
        return self.root / ".labkit" / "authored.json"

    @property
    def preview(self) -> Path:
        """Folder of what students get."""
        return self.root.with_name(f"{self.root.name} (as students get it)")

    @property
    def preview_mark(self) -> Path:
        """Is there where this folder is itself a preview that was written by us, and may be written again."""
        return self.root / ".labkit" / "preview.json"


@dataclass(frozen=True, slots=True)
class StateLayout:
    """``~/.local/state/labkit/``: what a person's runs on this machine share, over all projects."""

    root: Path

    @property
    def queue(self) -> Path:
        """Folder of the tickets: one for each run that waits or goes on."""
        return self.root / "queue"

    def ticket(self, run_id: str) -> Path:
        """Return the ticket of one run."""
        return self.queue / f"{run_id}.json"

    @property
    def queue_lock(self) -> Path:
        """Held while tickets are added, moved or taken up."""
        return self.root / ".queue.lock"

    @property
    def dispatcher_lock(self) -> Path:
        """Held by the dispatcher as long as it lives."""
        return self.root / ".dispatcher.lock"

    @property
    def dispatcher_log(self) -> Path:
        """What the dispatcher printed."""
        return self.root / "dispatcher.log"

    def device_lock(self, device: str, slot: int) -> Path:
        """Return the lock that is held by the run which computes on a device; some devices carry several runs."""
        return self.root / "devices" / f"{device.replace(':', '-')}.{slot}.lock"
