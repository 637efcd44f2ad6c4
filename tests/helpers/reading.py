"""What the tests of data sets read, and read with."""

import struct
import zlib

import keras
import numpy as np
from PIL import Image

from keras_mra.datasets import image_reader

RNG = np.random.default_rng(0)
# Rows and columns of the seven passes of an interlaced PNG file: first and step.
ADAM7 = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2)]
ADAM7 += [(0, 2, 1, 2), (1, 2, 0, 1)]


def noise(*shape, dtype="uint8"):
    """Random values over the whole range of a dtype."""
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def save(path, size=(40, 30), mode="RGB", **kwargs):
    """Writes noise as an image file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(size[1], size[0], 4)).convert(mode).save(path, **kwargs)
    return path


def png16(pixels, chunks=(), interlaced=False):
    """Encodes a 16-bit PNG file of 1 to 4 channels, without any library."""
    height, width, channels = pixels.shape
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    lines = b"".join(
        b"\0" + line.tobytes()
        for row, rows, column, columns in (ADAM7 if interlaced else [(0, 1, 0, 1)])
        for line in pixels[row::rows, column::columns].astype(">u2")
    )
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, interlaced)
    content = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND",)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in content)


def gray_png(levels, bits, chunks=()):
    """Encodes a grey PNG file of 2, 4 or 8 bits, without any library."""
    height, width = levels.shape
    ones = np.unpackbits(levels[..., None], axis=2)[..., 8 - bits :]
    lines = np.packbits(ones.reshape(height, width * bits), axis=1)
    data = b"".join(b"\0" + line.tobytes() for line in lines)
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    content = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND",)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in content)


def _chunk(kind, body=b""):
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def all_batches(dataset):
    dataset.on_epoch_begin()
    batches = [dataset[i] for i in range(len(dataset))]
    dataset.on_epoch_end()
    return batches


class AnyModel(keras.Model):
    """Gives `fit` something to do, with labels or without."""

    def __init__(self):
        super().__init__()
        self.scale = keras.layers.Dense(1)

    def call(self, x):
        return self.scale(keras.ops.cast(x, "float32") / 255)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
        return keras.ops.mean(keras.ops.square(y_pred))


def readers(path):
    """Functions that read a picture, for copies and for training."""
    return [
        lambda: image_reader.read_exact(path),
        lambda: image_reader.read_upright(path, 8),
    ]


def gray_tiff(values, bits=16, zero_is_white=False):
    """The bytes of a TIFF file of grey values of 12 or 16 bits, without compression."""
    height, width = values.shape
    if bits == 16:
        data = values.astype("<u2").tobytes()
    else:
        text = "".join(f"{value:0{bits}b}" for value in values.ravel())
        data = int(text, 2).to_bytes(len(text) // 8, "big")
    kind = 0 if zero_is_white else 1
    tags = {
        256: width, 257: height, 258: bits, 259: 1, 262: kind, 273: 8, 277: 1,
        278: height, 279: len(data),
    }  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in tags.items())
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory
