"""Folders that nobody can write to, not even root, whom permissions do not stop."""

import errno
import os


def make_read_only(monkeypatch, folder):
    """Lets the calls that make something in a folder fail, as on a read-only disk."""

    def refusing(call):
        def refuse(path, *args, **kwargs):
            if str(path).startswith(f"{folder}{os.sep}"):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
            return call(path, *args, **kwargs)

        return refuse

    for name in ("mkdir", "open"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
