"""Hypothesis strategies for damaged copies of the content of a file."""

import copy
import io
import json
import zipfile

from hypothesis import strategies as st

# Sizes and offsets of file formats are such numbers.
WORDS = st.one_of(
    st.binary(min_size=1, max_size=8),
    st.sampled_from([bytes(n) for n in (1, 2, 4, 8)]),
    st.sampled_from([b"\xff" * n for n in (1, 2, 4, 8)]),
    st.sampled_from([b"\x7f" + b"\xff" * 3, b"\xff" * 3 + b"\x7f"]),
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([0, -1, 2**31, 10**9, 10**30]),
        st.floats(),
        st.text(max_size=20),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=5,
)


@st.composite
def damaged_bytes(draw, data):
    """Bytes that are overwritten, cut out, repeated or cut off in a few places."""
    data = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(len(data) - 1, 0)))
        stop = start + draw(st.integers(1, 64))
        change = draw(st.sampled_from(["overwrite", "remove", "repeat", "end"]))
        if change == "overwrite":
            word = draw(WORDS)
            data[start : start + len(word)] = word
        elif change == "remove":
            del data[start:stop]
        elif change == "repeat":
            data[start:start] = data[start:stop]
        else:
            del data[start:]
    return bytes(data)


@st.composite
def damaged_zip(draw, data):
    """A zip archive with one member damaged, whose check sum is right."""
    source = zipfile.ZipFile(io.BytesIO(data))
    victim = draw(st.sampled_from(source.namelist()))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name == victim:
                content = draw(damaged_bytes(content))
            archive.writestr(name, content)
    return written.getvalue()


@st.composite
def damaged_json(draw, data):
    """A JSON document in which some values are others, or missing."""
    document = copy.deepcopy(json.loads(data))
    for _ in range(draw(st.integers(1, 3))):
        parent, key = draw(st.sampled_from(_places(document) or [(None, None)]))
        if parent is None:
            document = draw(VALUES)
        elif draw(st.booleans()):
            parent[key] = draw(VALUES)
        else:
            del parent[key]
    return json.dumps(document).encode()


@st.composite
def damaged_safetensors(draw, data):
    """A file of safetensors whose header is damaged as a JSON document."""
    size = int.from_bytes(data[:8], "little")
    header = draw(damaged_json(data[8 : 8 + size]))
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def _places(document):
    """Pairs of a container and a key of it, of all values in a document."""
    found = []
    if isinstance(document, dict):
        items = list(document.items())
    elif isinstance(document, list):
        items = list(enumerate(document))
    else:
        items = []
    for key, value in items:
        found.append((document, key))
        found += _places(value)
    return found
