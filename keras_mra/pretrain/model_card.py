"""`write_model_card`: how a preset was trained, as the `README.md` beside it."""

import pathlib

from keras_mra import files
from keras_mra.evaluation.inspect import Inspection
from keras_mra.machine import describe_machine
from keras_mra.models import MAE
from keras_mra.typing import Path


def write_model_card(
    folder: Path,
    mae: MAE,
    data_name: str,
    command: str,
    inspection: Inspection | None = None,
    images: str = "",
) -> None:
    """Writes a preset's architecture, command, loss curve, duration and measures.

    Args:
        folder: The preset's folder.
        mae: `MAE` with a `history` that has its duration as `seconds`.
        data_name: Name of the training data.
        command: The exact command.
        inspection: The result of `evaluation.inspect`, or `None`.
        images: String, one line about the images that were inspected.
    """
    folder = pathlib.Path(folder)
    losses = mae.history.history["loss"]
    every = max(1, len(losses) // 20)
    shown = sorted({*range(0, len(losses), every), len(losses) - 1})
    curve = "\n".join(f"| {i + 1} | {losses[i]:.4f} |" for i in shown)
    height, width, channels = mae.image_shape
    low, high = mae.mask_ratios
    ratios = f"ratio {low:g}" if low == high else f"ratios from {low:g} to {high:g}"
    text = f"""# {folder.name}

Masked autoencoder for images of {height}x{width}x{channels} in {mae.value_range},
with patches of {mae.patch_size[0]}x{mae.patch_size[1]} pixels.
Encoder {mae.encoder_dim}x{mae.encoder_depth}, {mae.encoder_heads} heads; decoder
{mae.decoder_dim}x{mae.decoder_depth}, {mae.decoder_heads} heads;
{mae.count_params():,} parameters. Trained on `{data_name}` without labels,
at the mask {ratios}.

```
{command}
```

{_duration(mae.history.seconds)} on {_machine()}.

| epoch | training loss |
| --- | --- |
{curve}
"""
    if inspection is not None:
        text += f"\n## Attention and paint\n\nMeasured on {images}\n\n{inspection}\n"
    with files.replacing(folder / "README.md") as part:
        part.write_text(text, encoding="utf-8")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes"


def _machine() -> str:
    """The processor and the versions of the software."""
    facts = describe_machine()
    versions = ", ".join(f"{name} {v}" for name, v in facts["packages"].items())
    return f"{facts['cores']} x {facts['processor']}, {versions}"
