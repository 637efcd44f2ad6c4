"""Files: the one place that writes them, locks folders, and opens what strangers made.

- `replacing`, `replacing_together`, `creating` and `write_below` write files whole or
  not at all. No other module replaces a file.
- `locked` lets one process at a time write to a folder.
- `probe_file` and `probe_folder` find out before the work what cannot be written.
- `open_regular` opens files and nothing else.
"""

from keras_mra.files.json_file import json_text
from keras_mra.files.json_file import read_json
from keras_mra.files.json_file import write_json
from keras_mra.files.lock import LOCK
from keras_mra.files.lock import locked
from keras_mra.files.open_regular import kind_of
from keras_mra.files.open_regular import open_regular
from keras_mra.files.probe import probe_file
from keras_mra.files.probe import probe_folder
from keras_mra.files.replacing import creating
from keras_mra.files.replacing import replacing
from keras_mra.files.replacing import replacing_together
from keras_mra.files.room import PREFIX
from keras_mra.files.room import remove_all_leftovers
from keras_mra.files.write_below import NoFolder
from keras_mra.files.write_below import write_below

__all__ = [
    "LOCK",
    "NoFolder",
    "PREFIX",
    "creating",
    "json_text",
    "kind_of",
    "locked",
    "open_regular",
    "probe_file",
    "probe_folder",
    "read_json",
    "remove_all_leftovers",
    "replacing",
    "replacing_together",
    "write_below",
    "write_json",
]
