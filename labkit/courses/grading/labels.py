"""What is written on the containers of grading, for those who look for what is left of it: batches, and the hub."""

__all__ = ["BATCH_LABEL", "RUN_LABEL", "TASK_LABEL", "UNTIL_LABEL"]

BATCH_LABEL = "labkit.grading"
RUN_LABEL = "labkit.grading.run"
"""The run at the hub that a container belongs to."""
TASK_LABEL = "labkit.grading.task"
UNTIL_LABEL = "labkit.grading.until"
"""When its time is over for certain, in seconds since 1970."""
