"""What a training job does: read the records, train, store the adapter."""


class JobError(Exception):
    """Ends the job. Its message is one line for people; it never holds text of a record."""
