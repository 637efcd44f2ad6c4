"""The card that tells how a preset was made."""

import pathlib
import time

from keras_mra.machine import describe_machine


class Timer:
    """Wall-clock seconds since it was made."""

    def __init__(self):
        self.start = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.start


def machine():
    """One line about the machine and the software."""
    facts = describe_machine()
    versions = ", ".join(f"{name} {v}" for name, v in facts["packages"].items())
    return f"{facts['cores']} x {facts['processor']}, {versions}"


def write(folder, mae, data_name, command, seconds):
    """Writes `README.md` beside a preset: command, loss curve, time, machine.

    Args:
        folder: The preset's folder.
        mae: `MAE` with a `history`.
        data_name: String.
        command: String, the exact command.
        seconds: Float, wall-clock time of the (last part of the) run.
    """
    losses = mae.history.history["loss"]
    every = max(1, len(losses) // 20)
    shown = sorted({*range(0, len(losses), every), len(losses) - 1})
    curve = "\n".join(f"| {i + 1} | {losses[i]:.4f} |" for i in shown)
    height, width, channels = mae.image_shape
    text = f"""# {pathlib.Path(folder).name}

Masked autoencoder for {height}x{width}x{channels} images in {mae.value_range},
patches of {mae.patch_size[0]}x{mae.patch_size[1]} pixels.
Encoder {mae.encoder_dim}x{mae.encoder_depth}, {mae.encoder_heads} heads; decoder
{mae.decoder_dim}x{mae.decoder_depth}, {mae.decoder_heads} heads;
{mae.count_params():,} parameters. Trained on `{data_name}`, labels unused.

```
{command}
```

{seconds / 60:.0f} minutes on {machine()}.

| epoch | training loss |
| --- | --- |
{curve}
"""
    pathlib.Path(folder, "README.md").write_text(text, encoding="utf-8")
