"""The courses room: assignments, what is handed out and handed in, its grading, and what comes back."""
