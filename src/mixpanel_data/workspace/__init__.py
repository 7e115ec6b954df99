"""The Python face: SQL for every task, and the local tables it fills."""
