"""What tests of LabKit, and of code built on it, share: generated data, contracts, a running hub, a browser."""

__all__: list[str] = []
