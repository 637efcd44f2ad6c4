"""How much and how fast to train where the caller does not say: one rule.

A training takes a number of steps, not of epochs, so that a small folder is not left
untrained. `docs/results/defaults.md` shows the measurements behind these numbers.
"""

# Steps of a training by its effort.
STEPS = {"quick": 500, "good": 4_000, "best": 20_000}
# A batch of at most 256 images, and of 64 where that gives more steps in an epoch.
SMALL_BATCH, LARGE_BATCH = 64, 256
# Images from which on an epoch has enough large batches.
MANY_IMAGES = 100 * LARGE_BATCH
# The peak rate per 256 images of a batch, up to an encoder width of 96. Wider encoders
# need a lower rate: 768 gets a quarter more than the 1.5e-4 of the published ViT-B,
# which trains for longer.
RATE, RATE_WIDTH = 1.5e-3, 96


def default_batch_size(images: int) -> int:
    """The batch size for a number of images: 256 for many, else 64, or all."""
    batch_size = LARGE_BATCH if images >= MANY_IMAGES else SMALL_BATCH
    return min(batch_size, images)


def default_epochs(effort: str, steps_per_epoch: int) -> int:
    """The epochs that take about as many steps as the effort asks for, at least 1."""
    return max(1, round(STEPS[effort] / steps_per_epoch))


def default_learning_rate(encoder_dim: int) -> float:
    """The peak learning rate per 256 images for an encoder of this width."""
    return RATE * min(1.0, RATE_WIDTH / encoder_dim)
