"""Batches in two views, as they are and augmented, with the same flips and crops."""

import keras
import numpy as np

from keras_mra.classifiers.augmented_batches import AugmentedBatches

# From the progress of a training, 0 to 1, to the share of the images to augment. Each
# has a mean of one half.
SCHEDULES = {
    "first half": lambda progress: float(progress < 0.5),
    "second half": lambda progress: float(progress >= 0.5),
    "rising": lambda progress: progress,
    "falling": lambda progress: 1 - progress,
}


class TwoViews(keras.utils.PyDataset):
    """Both views of each image, one after the other on the axis of the channels.

    Args:
        dataset: `EpochDataset` of images and integer labels.
        layers: Keras layers, as in `AugmentedBatches`, which do not change the labels.
        num_classes, value_range, base: As in `AugmentedBatches`.
    """

    def __init__(self, dataset, layers, num_classes, value_range, base=None):
        super().__init__()
        self.dataset = dataset
        self.plain = AugmentedBatches(dataset, (), num_classes, value_range, base)
        self.augmented = AugmentedBatches(
            dataset, layers, num_classes, value_range, base
        )

    def __len__(self):
        return len(self.dataset)

    def set_epoch(self, epoch):
        self.dataset.set_epoch(epoch)

    def views(self, index):
        """The plain and the augmented images, and their one-hot labels."""
        plain, labels = self.plain[index]
        augmented, _ = self.augmented[index]
        return plain, augmented, labels

    def __getitem__(self, index):
        plain, augmented, labels = self.views(index)
        return np.concatenate([plain, augmented], axis=-1), labels  # (B, H, W, 2C)


class ScheduledViews(TwoViews):
    """One view of each image: augmented for a share that changes during the training.

    Args:
        schedule: Key of `SCHEDULES`.
        epochs: Int, the epochs of the training.
        *args, **kwargs: As in `TwoViews`.
    """

    def __init__(self, schedule, epochs, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.share = SCHEDULES[schedule]
        self.epochs = epochs

    def __getitem__(self, index):
        plain, augmented, labels = self.views(index)
        step = self.dataset.epoch * len(self) + index
        # The middle of the step, so that the shares of all steps have a mean of 1/2.
        share = self.share((step + 0.5) / (self.epochs * len(self)))
        # The last number separates this random stream from that of the flips.
        rng = np.random.default_rng([self.dataset.seed, self.dataset.epoch, index, 2])
        count = round(share * len(plain))
        chosen = rng.permutation(len(plain)) < count  # (B,)
        images = np.where(chosen[:, None, None, None], augmented, plain)
        return images, labels
