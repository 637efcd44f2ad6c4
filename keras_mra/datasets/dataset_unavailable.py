"""The error of a data set that cannot be found."""


class DatasetUnavailable(OSError):
    """Raised when no source of a named data set can be read."""
