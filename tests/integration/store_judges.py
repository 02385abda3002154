"""What other programs say of OME-Zarr stores; run in the environment of the peers, and knows nothing of LabKit.

``python store_judges.py STORE ...`` prints a JSON object: for each store what breaks the schemas, and what ome-zarr-py reads.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import ngff_zarr
import numpy as np
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader


def main(stores: list[str]) -> None:
    """Judge each store."""
    print(json.dumps({store: {"schema_faults": _schema_faults(Path(store)), "levels": _levels(store)} for store in stores}))


def _schema_faults(store: Path) -> list[str]:
    """Validate the attributes of the group, by the usual schema and by the strict one (which also wants what is only advised)."""
    v3 = (store / "zarr.json").exists()
    attributes = json.loads((store / ("zarr.json" if v3 else ".zattrs")).read_text())
    attributes = attributes["attributes"] if v3 else attributes
    version = "0.5" if v3 else "0.4"
    models = ["image", *(["label"] if "image-label" in (attributes["ome"] if v3 else attributes) else [])]
    faults = []
    for model in models:
        for strict in (False, True):
            try:
                ngff_zarr.validate(attributes, version=version, model=model, strict=strict)
            except jsonschema.ValidationError as error:
                faults.append(f"{version} {model}{' strict' if strict else ''}: {error.json_path} {error.message}"[:300])
    return faults


def _levels(store: str) -> list[dict[str, Any]]:
    """Read all levels by ome-zarr-py."""
    location = parse_url(store)
    if location is None:
        return []
    nodes = list(Reader(location)())
    levels = [np.asarray(level) for level in nodes[0].data] if nodes else []
    return [{"shape": level.shape, "dtype": str(level.dtype), "sha256": _hash(level)} for level in levels]


def _hash(pixels: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


if __name__ == "__main__":
    main(sys.argv[1:])
