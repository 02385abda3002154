"""LabKit: from a huge picture to a measured result."""

__version__ = "0.1.0"
