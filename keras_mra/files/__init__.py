"""Files: the one place that writes them, locks folders, and opens untrusted files.

- `replacing`, `replacing_together`, `creating` and `write_below` write files whole or
  not at all. No other module replaces a file.
- `locked` lets one process at a time write to a folder.
- `probe_file` and `probe_folder` find out before the work what cannot be written.
- `is_inside` and `check_outside` keep what is written apart from what is read.
- `open_regular` opens files and nothing else; `read_regular` reads small ones whole.
- `place` tells paths from URLs; a `RemotePath` is listed, read and written through
  fsspec.
"""

from keras_mra.files.folder_entries import names_in
from keras_mra.files.folder_entries import remove
from keras_mra.files.is_folder import is_folder
from keras_mra.files.is_inside import check_outside
from keras_mra.files.is_inside import is_inside
from keras_mra.files.json_file import json_object
from keras_mra.files.json_file import json_text
from keras_mra.files.json_file import read_json
from keras_mra.files.json_file import write_json
from keras_mra.files.lock import LOCK
from keras_mra.files.lock import locked
from keras_mra.files.open_regular import LARGEST_DOCUMENT
from keras_mra.files.open_regular import kind_of
from keras_mra.files.open_regular import open_regular
from keras_mra.files.open_regular import read_regular
from keras_mra.files.opened import opened
from keras_mra.files.probe import probe_file
from keras_mra.files.probe import probe_folder
from keras_mra.files.remote_path import Place
from keras_mra.files.remote_path import RemotePath
from keras_mra.files.remote_path import place
from keras_mra.files.replacing import creating
from keras_mra.files.replacing import replacing
from keras_mra.files.replacing import replacing_together
from keras_mra.files.room import PREFIX
from keras_mra.files.room import remove_all_leftovers
from keras_mra.files.store import AT_ONCE
from keras_mra.files.store import StoreFailed
from keras_mra.files.store import check_object_name
from keras_mra.files.store import check_store
from keras_mra.files.store import listed
from keras_mra.files.store import put_object
from keras_mra.files.store import read_object
from keras_mra.files.write_below import NoFolder
from keras_mra.files.write_below import write_below

__all__ = [
    "AT_ONCE",
    "LARGEST_DOCUMENT",
    "LOCK",
    "PREFIX",
    "NoFolder",
    "Place",
    "RemotePath",
    "StoreFailed",
    "check_object_name",
    "check_outside",
    "check_store",
    "creating",
    "is_folder",
    "is_inside",
    "json_object",
    "json_text",
    "kind_of",
    "listed",
    "locked",
    "names_in",
    "open_regular",
    "opened",
    "place",
    "probe_file",
    "probe_folder",
    "put_object",
    "read_json",
    "read_object",
    "read_regular",
    "remove",
    "remove_all_leftovers",
    "replacing",
    "replacing_together",
    "write_below",
    "write_json",
]
