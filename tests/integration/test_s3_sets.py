"""Training sets, checkpoints and models on an object store: a real S3 server, one that stumbles, and programs that are killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from labkit.config import cache_dir
from labkit.datasets import (
    TrainingSet,
    clean_leftovers,
    list_training_sets,
    open_training_set,
    pull_training_set,
    push_training_set,
)
from labkit.datasets import cache as cache_module
from labkit.errors import Cancelled, CorruptStore, InvalidInput, NotFound, StorageFull
from labkit.events import CancelToken, Event, Progress
from labkit.project import Project
from labkit.storage import CheckpointLayout, open_objects, s3
from labkit.storage.room import bytes_below
from labkit.testing.commands import files_in, small_disk
from labkit.testing.learning import annotated_image, tiny_model, tiny_training_set
from labkit.testing.s3 import S3Server, running_s3, stumbling_way
from labkit.training import TrainConfig, open_model
from labkit.training.remote import fetch_checkpoints, fetch_model, push_checkpoints, push_model
from labkit.work import start_training

SEED = int(os.environ.get("LABKIT_SEED", "1"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def store(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, as the settings of this process have it, and a cache of this test's own."""
    _use(server, monkeypatch)
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    return server


def _use(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    """A training set that all tests send."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_AUTHOR", "tester")
        patch.setenv("LABKIT_QUOTA_GB", "20")
        project = Project.create(folder, "cells", classes=["nucleus"])
        annotated_image(project, folder)
        return tiny_training_set(project)


@pytest.fixture
def url(store: S3Server, tmp_path: Path) -> str:
    return f"s3://bucket/{tmp_path.name}"


def _objects(store: S3Server, url: str) -> dict[str, str]:
    folder = store.folder / url.removeprefix("s3://")
    return files_in(folder) if folder.is_dir() else {}


def _same_chips(one: TrainingSet, other: TrainingSet) -> None:
    for part in ("train", "val", "test"):
        for name in ("pixels", "masks", "objects", "positions"):
            np.testing.assert_array_equal(getattr(one.chips(part), name), getattr(other.chips(part), name))


def test_a_set_is_sent_once_and_read_as_it_was(made: TrainingSet, url: str, project: Project, store: S3Server) -> None:
    """The address names it by its hash; a second push sends nothing; a second opening fetches nothing."""
    address = push_training_set(made, url)
    assert address == f"{url}/training-sets/{made.key}"
    before, events = _objects(store, url), []
    assert push_training_set(made, url, on_event=events.append) == address
    assert (_objects(store, url), events) == (before, [])
    opened = open_training_set(project, address)
    assert opened.record == made.record
    _same_chips(opened, made)
    assert open_training_set(project, address, on_event=events.append).layout == opened.layout
    assert events == []
    assert opened.layout.root.is_relative_to(cache_dir())


def test_the_manifest_is_sent_last(made: TrainingSet, url: str, project: Project, store: S3Server) -> None:
    """A push that is cancelled at any moment leaves no set that could be opened; the next one completes it, and sends the rest only."""
    sent: list[Event] = []
    for stop_after in (1, 4, 9):
        cancel = CancelToken()

        def stop(event: Event, cancel: CancelToken = cancel, stop_after: int = stop_after) -> None:
            sent.append(event)
            if isinstance(event, Progress) and len(sent) >= stop_after:
                cancel.cancel()

        with pytest.raises(Cancelled):
            push_training_set(made, url, on_event=stop, cancel=cancel)
        sent.clear()
        with pytest.raises(NotFound):
            open_training_set(project, f"{url}/training-sets/{made.key}")
    there = len(_objects(store, url))
    last: list[Event] = []
    address = push_training_set(made, url, on_event=last.append)
    assert there > 0
    assert len(last) == len(files_in(made.layout.root)) - there
    _same_chips(open_training_set(project, address), made)


def test_a_killed_push_is_completed_by_the_next(made: TrainingSet, url: str, project: Project, store: S3Server) -> None:
    """SIGKILL in the middle: what is there is whole, and no manifest says more."""
    code = (
        "import os, signal, sys\n"
        "from labkit.datasets import TrainingSet, TrainingSetRecord, push_training_set\n"
        "from labkit.storage import TrainingSetLayout, load_record\nfrom pathlib import Path\n"
        "layout = TrainingSetLayout(Path(sys.argv[1]))\nseen = []\n"
        "def kill(event):\n    seen.append(event)\n    len(seen) == 5 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "push_training_set(TrainingSet(layout, load_record(layout.manifest, TrainingSetRecord)), sys.argv[2], on_event=kill)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(made.layout.root), url], check=False)
    assert done.returncode == -signal.SIGKILL
    there = _objects(store, url)
    assert 5 <= len(there) < len(files_in(made.layout.root))
    assert not any(key.endswith("manifest.json") for key in there)
    address = push_training_set(made, url)
    _same_chips(open_training_set(project, address), made)


@pytest.mark.ci
def test_a_store_that_fails_one_request_in_ten(
    made: TrainingSet, server: S3Server, url: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushing and reading go through by trying again."""
    monkeypatch.setattr(s3, "_FIRST_WAIT_S", 0.01)
    with stumbling_way(server, share=0.1, seed=SEED) as (way, counts):
        _use(way, monkeypatch)
        address = push_training_set(made, url)
        _same_chips(open_training_set(project, address), made)
        assert counts.refused > 0


def test_a_damaged_object_is_refused_and_not_kept(made: TrainingSet, url: str, project: Project, store: S3Server) -> None:
    """Chips that are not those of the hash are no training set, and leave nothing in the cache."""
    address = push_training_set(made, url)
    shard = store.folder / address.removeprefix("s3://") / "data.zarr/train/masks/c/0/0/0"
    other = store.folder / address.removeprefix("s3://") / "data.zarr/val/masks/c/0/0/0"
    shard.write_bytes(other.read_bytes())
    for _ in range(2):
        with pytest.raises(CorruptStore, match="not as it was built") as caught:
            open_training_set(project, address)
        assert caught.value.hint
    assert bytes_below(cache_dir()) == 0


def test_another_set_under_this_name_is_refused(made: TrainingSet, url: str, project: Project, store: S3Server) -> None:
    """The name in the address has to be that of the content."""
    objects = open_objects(f"{url}/training-sets/nuclei@000000000000")
    for key in files_in(made.layout.root):
        objects.write(key, [(made.layout.root / key).read_bytes()])
    with pytest.raises(CorruptStore, match="manifest"):
        open_training_set(project, f"{url}/training-sets/nuclei@000000000000")


@pytest.mark.parametrize("address", ["s3://bucket/training-sets/nothing", "s3://bucket/training-sets/nothing@123"])
def test_what_is_not_there_is_told_in_words(store: S3Server, project: Project, address: str) -> None:
    """A wrong address is one."""
    with pytest.raises((InvalidInput, NotFound)) as caught:
        open_training_set(project, address)
    assert caught.value.hint


@pytest.mark.ci
def test_a_killed_fetch_leaves_nothing_for_long(made: TrainingSet, url: str, project: Project, store: S3Server) -> None:
    """SIGKILL in the middle of the copying; whoever opens the set, or cleans, removes what it left."""
    address = push_training_set(made, url)
    code = (
        "import os, signal, sys\n"
        "from labkit.datasets.cache import cached_training_set\nfrom labkit.events import CancelToken\nseen = []\n"
        "def kill(event):\n    seen.append(event)\n    len(seen) == 12 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "cached_training_set(sys.argv[1], kill, CancelToken())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, address], check=False)
    assert done.returncode == -signal.SIGKILL
    assert bytes_below(cache_dir()) > 0
    assert clean_leftovers().freed_bytes > 0
    assert bytes_below(cache_dir()) == 0
    opened = open_training_set(project, address)
    whole = bytes_below(cache_dir())
    opened.layout.manifest.unlink()  # as if the last file had not come
    _same_chips(open_training_set(project, address), made)
    assert bytes_below(cache_dir()) == whole


def _let_go() -> None:
    """Do as if this program had ended: it reads no copy any more."""
    for descriptor in cache_module._HELD.values():
        os.close(descriptor)
    cache_module._HELD.clear()


@pytest.mark.ci
def test_two_programs_fetch_a_set_once(made: TrainingSet, url: str, store: S3Server) -> None:
    """Both get it; one waited for the other."""
    address = push_training_set(made, url)
    code = (
        "import sys\nfrom labkit.datasets.cache import cached_training_set\nfrom labkit.events import CancelToken, Progress\nseen = []\n"
        "data = cached_training_set(sys.argv[1], seen.append, CancelToken())\n"
        "print(data.key, sum(isinstance(e, Progress) for e in seen), int(data.chips('val').masks.shape[0]))\n"
    )
    programs = [subprocess.Popen([sys.executable, "-c", code, address], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [program.communicate()[0].split() for program in programs]
    assert [answer[0] for answer in answers] == [made.key] * 2
    assert sorted(int(answer[1]) > 0 for answer in answers) == [False, True]
    assert {int(answer[2]) for answer in answers} == {made.record.parts["val"].chips}


def test_the_cache_is_bounded_and_keeps_what_is_used(
    made: TrainingSet, url: str, project: Project, store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for two copies the one that nobody used for longest goes, never one that a program reads."""
    size = bytes_below(made.layout.root)
    monkeypatch.setenv("LABKIT_CACHE_GB", str(2.5 * size / 1e9))
    addresses = [push_training_set(made, f"{url}/{k}") for k in range(4)]
    opened = []
    for address in addresses[:2]:
        opened.append(open_training_set(project, address))
        time.sleep(0.02)  # the time of the last use has to differ
    _let_go()
    opened[0] = open_training_set(project, addresses[0])
    opened.append(open_training_set(project, addresses[2]))
    assert [data.layout.manifest.is_file() for data in opened] == [True, False, True]
    opened.append(open_training_set(project, addresses[3]))
    assert [data.layout.manifest.is_file() for data in opened] == [True, False, True, True], "both others are in use"
    assert clean_leftovers(everything=True).removed == ()
    _let_go()
    assert len(clean_leftovers().removed) == 1


def test_a_set_larger_than_the_cache_is_refused_before_it_is_fetched(
    made: TrainingSet, url: str, project: Project, store: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which setting to raise."""
    address = push_training_set(made, url)
    monkeypatch.setenv("LABKIT_CACHE_GB", "0.00001")
    with pytest.raises(StorageFull, match="room for"):
        open_training_set(project, address)
    assert bytes_below(cache_dir()) == 0


def test_a_set_is_pulled_into_another_project(made: TrainingSet, url: str, project: Project, store: S3Server) -> None:
    """It is there once, as a version of its name, and opens without the store."""
    address = push_training_set(made, url)
    pulled = pull_training_set(project, address)
    assert pull_training_set(project, address).layout == pulled.layout
    assert [data.key for data in list_training_sets(project)] == [made.key]
    _same_chips(open_training_set(project, made.key), made)


def test_leftovers_of_a_killed_push_are_removed_once_they_are_old(made: TrainingSet, url: str, project: Project, store: S3Server) -> None:
    """A push under way is left alone, whole sets are never touched."""
    whole = push_training_set(made, url)
    half = f"{url}/training-sets/half@000000000000"
    open_objects(half).write("data.zarr/zarr.json", [b"{}"])
    assert clean_leftovers(url).removed == ()
    assert clean_leftovers(url, untouched_h=-0.01).removed == (half,)
    assert list(open_objects(half).keys()) == []
    _same_chips(open_training_set(project, whole), made)


def test_a_set_that_was_damaged_here_is_not_sent(url: str, project: Project, store: S3Server, tmp_path: Path) -> None:
    """Nobody could use it: the store stays empty."""
    annotated_image(project, tmp_path)
    data = tiny_training_set(project)
    (data.layout.store / "train" / "objects" / "c" / "0" / "0" / "0").unlink()
    with pytest.raises(CorruptStore):
        push_training_set(data, url)
    assert _objects(store, url) == {}


@pytest.mark.ci
def test_a_full_disk_leaves_no_copy(
    made: TrainingSet, url: str, project: Project, store: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is full before or in the middle of the copying."""
    address = push_training_set(made, url)
    try:
        with small_disk(tmp_path / "disk", 8) as disk:
            monkeypatch.setenv("LABKIT_CACHE", str(disk.folder))
            monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10**9))  # as if somebody else filled it meanwhile
            for pages in (4, 30):
                disk.fill(leave_bytes=pages * 4096)
                with pytest.raises(StorageFull):
                    open_training_set(project, address)
                disk.empty()
                assert bytes_below(disk.folder) == 0
            _same_chips(open_training_set(project, address), made)
            _let_go()
    except PermissionError as error:
        pytest.skip(str(error))


def test_a_run_trains_on_a_set_of_the_store(made: TrainingSet, url: str, project: Project, store: S3Server) -> None:
    """The address goes into the config of the run as it is, so that its program finds the set too; the copy has a name as well."""
    address = push_training_set(made, url)
    config = TrainConfig(project=str(project.path), training_set=address, epochs=1, steps_per_epoch=1, crop_px=32, device="cpu", model="m")
    run = start_training(project, config)
    try:
        assert run.spec.config["training_set"] == address
    finally:
        run.cancel()
        run.wait()
    assert open_training_set(project, made.key).record == made.record


@pytest.mark.ci
def test_a_run_needs_nothing_but_the_store(url: str, project: Project, store: S3Server, tmp_path: Path) -> None:
    """With the set only in the store a run trains, and its checkpoints and its model are in the store when it is done."""
    annotated_image(project, tmp_path)
    local = tiny_training_set(project)
    address = push_training_set(local, url)
    shutil.rmtree(local.layout.root)
    size = {"epochs": 2, "steps_per_epoch": 2, "crop_px": 32, "device": "cpu", "model": "m"}
    config = TrainConfig.model_validate({"project": str(project.path), "training_set": address, "results_url": f"{url}/results", **size})
    run = start_training(project, config)
    try:
        record = run.wait()
    finally:
        run.cancel()
    assert record.state == "done", record.reason
    assert not local.layout.root.exists(), "the run used its copy"
    files = fetch_checkpoints(f"{url}/results/checkpoints", CheckpointLayout(tmp_path / "elsewhere"))
    assert files.resume_state.read_bytes() == run.layout.checkpoints.resume_state.read_bytes()
    fetched = fetch_model(str(run.result()["address"]), Project.create(tmp_path, "other", classes=["nucleus"]))
    assert fetched.card.weights_sha256 == open_model(project, str(run.result()["model"])).card.weights_sha256


# Checkpoints


@pytest.fixture
def checkpoints(tmp_path: Path) -> Callable[[str, str], CheckpointLayout]:
    """Files of a training as it writes them: checkpoints("best", "state")."""

    def write(best: str, state: str) -> CheckpointLayout:
        layout = CheckpointLayout(tmp_path / "checkpoints")
        layout.root.mkdir(exist_ok=True)
        layout.best_weights.write_text(best)
        layout.resume_state.write_text(state)
        layout.history.write_text("epoch\n")
        return layout

    return write


def test_checkpoints_go_and_come_back(checkpoints: Callable[..., CheckpointLayout], url: str, store: S3Server, tmp_path: Path) -> None:
    """The newest comes back; what is the same is not sent twice; objects that nobody needs are removed."""
    push_checkpoints(checkpoints("best 1", "state 1"), f"{url}/run")
    files = checkpoints("best 1", "state 2")
    push_checkpoints(files, f"{url}/run")
    found = fetch_checkpoints(f"{url}/run", CheckpointLayout(tmp_path / "elsewhere"))
    assert files_in(found.root) == files_in(files.root)
    assert len(_objects(store, url)) == 4, "three files and the manifest"


def test_a_push_of_checkpoints_that_breaks_off_keeps_the_one_before(
    checkpoints: Callable[..., CheckpointLayout], server: S3Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the files and before the manifest: the earlier checkpoint is whole."""
    push_checkpoints(checkpoints("best 1", "state 1"), f"{url}/run")
    written = s3.S3Objects.write

    def dies(self: s3.S3Objects, key: str, parts: list[bytes]) -> None:
        if key.endswith(".json"):
            raise KeyboardInterrupt
        written(self, key, parts)

    with monkeypatch.context() as patch:
        patch.setattr(s3.S3Objects, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            push_checkpoints(checkpoints("best 2", "state 2"), f"{url}/run")
    found = fetch_checkpoints(f"{url}/run", CheckpointLayout(tmp_path / "elsewhere"))
    assert (found.best_weights.read_text(), found.resume_state.read_text()) == ("best 1", "state 1")
    assert clean_leftovers(url).removed == (), "somebody may be pushing now"
    assert len(clean_leftovers(url, untouched_h=-0.01).removed) == 2
    again = fetch_checkpoints(f"{url}/run", CheckpointLayout(tmp_path / "again"))
    assert files_in(again.root) == files_in(found.root)


def test_no_checkpoint_yet_is_told_in_words(store: S3Server, url: str, tmp_path: Path) -> None:
    """Neither here nor there."""
    with pytest.raises(NotFound, match="no checkpoint"):
        push_checkpoints(CheckpointLayout(tmp_path / "empty"), f"{url}/run")
    with pytest.raises(NotFound, match="no checkpoint"):
        fetch_checkpoints(f"{url}/run", CheckpointLayout(tmp_path / "elsewhere"))


def test_a_damaged_checkpoint_is_refused(checkpoints: Callable[..., CheckpointLayout], url: str, store: S3Server, tmp_path: Path) -> None:
    """Each file is checked against its hash, and nothing of a bad one arrives."""
    push_checkpoints(checkpoints("best", "state"), f"{url}/run")
    for path in (store.folder / url.removeprefix("s3://") / "run" / "objects").iterdir():
        path.write_text("other")
    with pytest.raises(CorruptStore, match="damaged"):
        fetch_checkpoints(f"{url}/run", CheckpointLayout(tmp_path / "elsewhere"))
    assert not (tmp_path / "elsewhere").exists()


# Models


def test_a_model_goes_and_comes_back(project: Project, url: str, store: S3Server, tmp_path: Path) -> None:
    """Sent once by its hash; in another project it is the next version of its name, with the same weights and its own card."""
    annotated_image(project, tmp_path)
    model = tiny_model(project, tiny_training_set(project), tmp_path / "training", steps=1)
    address = push_model(model, url)
    before = _objects(store, url)
    assert (push_model(model, url), _objects(store, url)) == (address, before)
    assert fetch_model(address, project).key == model.key, "it is there already"
    other = Project.create(tmp_path, "other", classes=["nucleus"])
    fetched = fetch_model(address, other)
    assert fetched.card == model.card.model_copy(update={"version": fetched.card.version})
    assert fetched.layout.weights.read_bytes() == model.layout.weights.read_bytes()
    assert fetch_model(address, other).key == fetched.key
    weights = store.folder / address.removeprefix("s3://") / model.layout.weights.name
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\1\2\3")
    third = Project.create(tmp_path, "third", classes=["nucleus"])
    with pytest.raises(CorruptStore, match="card"):
        fetch_model(address, third)
    assert not any(third.layout.models.glob("*/*"))
