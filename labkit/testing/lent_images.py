"""Images of the machine's Docker engine, lent to another engine on it: nothing is copied but what is written about them.

For engines that store images as ``overlay2`` does, in folders of one layer each; needs root. To save and load images instead takes a
minute and a half, and as much of the disk again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from labkit.errors import NotFound

__all__ = ["Mount", "lend_images", "stores_as_folders"]

Mount = tuple[Path, Path]
"""A folder, and where it is to be mounted, so that it can only be read."""

_IMAGES = Path("image/overlay2")


def stores_as_folders() -> bool:
    """Return whether the machine's engine stores images so that they can be lent."""
    return _ask("info", "--format", "{{.Driver}}") == "overlay2"


def lend_images(names: Sequence[str], data: Path) -> list[Mount]:
    """Write down in the empty store of an engine that does not run yet what these images are; return what it must find there, too.

    Raises
    ------
    NotFound
        The machine's engine has no such image.
    """
    store = Path(_ask("info", "--format", "{{.DockerRootDir}}"))
    tags: dict[str, dict[str, str]] = {}
    mounts: dict[Path, Path] = {}
    for name in names:
        image = json.loads(_ask("image", "inspect", name))[0]
        tags.setdefault(name.rpartition(":")[0], {})[name] = image["Id"]
        _copy(store, data, _IMAGES / "imagedb/content" / image["Id"].replace(":", "/"))
        for chain in _chains(image["RootFS"]["Layers"]):
            about = _IMAGES / "layerdb" / chain.replace(":", "/")
            if not (data / about).exists():
                shutil.copytree(store / about, data / about)
                source, target = _lend_layer(store, data, (store / about / "cache-id").read_text())
                mounts[target] = source
    (data / _IMAGES / "repositories.json").write_text(json.dumps({"Repositories": tags}))
    return [(source, target) for target, source in mounts.items()]


def _chains(layers: Sequence[str]) -> Iterator[str]:
    """Return what each layer is called together with those under it (OCI's image specification, "Layer ChainID")."""
    chain = ""
    for layer in layers:
        chain = f"sha256:{hashlib.sha256(f'{chain} {layer}'.encode()).hexdigest()}" if chain else layer
        yield chain


def _lend_layer(store: Path, data: Path, layer: str) -> Mount:
    """Make a layer's own folder, in which the engine writes; only what is in the layer is the other's."""
    own, lent = data / "overlay2" / layer, store / "overlay2" / layer
    for folder in (own / "diff", own / "work", data / "overlay2/l"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("link", "lower"):
        if (lent / name).exists():  # the lowest layer has none below it
            shutil.copyfile(lent / name, own / name)
    (data / "overlay2/l" / (own / "link").read_text()).symlink_to(Path("..", layer, "diff"))
    return lent / "diff", own / "diff"


def _copy(store: Path, data: Path, path: Path) -> None:
    (data / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(store / path, data / path)


def _ask(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotFound(done.stderr.strip(), hint="Build the images first: make images.")
    return done.stdout.strip()
