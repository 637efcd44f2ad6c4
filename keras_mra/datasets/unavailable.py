"""The one error of every source that cannot be reached."""


class DatasetUnavailable(OSError):
    """No source of a named data set could be read."""
