"""Benches: ``python -m bench NAME --json`` prints one JSON object, ours and a peer or a limit measured in the same run."""
