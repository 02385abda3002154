"""One module per file format; each reads and writes plain data and knows nothing of projects."""

__all__: list[str] = []
