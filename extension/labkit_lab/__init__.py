"""Part of LabKit."""
