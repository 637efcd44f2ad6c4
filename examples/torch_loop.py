"""A plain training loop of PyTorch with MRA in its `DataLoader`, as torchvision has it.

MRA (arXiv 2206.04846) repaints a part of each training image. The data set crops single
images by its `transform=`. The workers then augment whole batches, which is faster than
image by image. Keras runs on PyTorch, inside `MaskReconstruct` only.

    KERAS_BACKEND=torch python examples/torch_loop.py

Cost: some minutes per epoch on two CPU cores. `--quick` takes half a minute.
Expected result: the loss of each epoch and the test accuracy are printed. The weights
of the classifier are saved to `classifier.pt`.
"""

import argparse
import functools

import torch
from torch import nn

import keras_mra

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="fashion_mnist", help="or digits")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--quick", action="store_true", help="few images, one epoch")


class Pictures(torch.utils.data.Dataset):
    """Images and labels, as the data sets of torchvision hold them."""

    def __init__(self, images, labels, transform=None):
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2)  # (N, C, H, W)
        self.labels = torch.from_numpy(labels).long()
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index] / 255  # floats from 0 to 1, as `ToTensor` gives
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


def random_crop(image):
    """A crop of the image's size, after a border of 2 pixels."""
    _, height, width = image.shape
    top, left = torch.randint(5, (2,)).tolist()
    padded = nn.functional.pad(image, (2, 2, 2, 2))
    return padded[:, top : top + height, left : left + width]


def augmented_batch(transform, samples):
    """A batch of samples, its images augmented in one call. Workers run it."""
    images, labels = torch.utils.data.default_collate(samples)
    return transform(images), labels  # (B, C, H, W), (B,)


def main():
    args = parser.parse_args()
    torch.manual_seed(0)
    data = keras_mra.datasets.load(args.data)
    few = 1024 if args.quick else None
    (images, labels), test = ((x[:few], y[:few]) for x, y in (data.train, data.test))
    if args.data == "fashion_mnist":
        mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
    else:  # No autoencoder for these images is shipped. Train one without the labels.
        mae = keras_mra.pretrain_mae(images, "mae_nano", patch_size=2, epochs=1)

    layer = keras_mra.layers.MaskReconstruct(mae, mask_ratio=0.4, rate=0.5)
    # For single images, the transform also has a place in the data set, after the crop.
    augment = functools.partial(augmented_batch, keras_mra.TorchTransform(layer))
    train = torch.utils.data.DataLoader(
        Pictures(images, labels, transform=random_crop),
        batch_size=64,
        shuffle=True,
        num_workers=args.workers,
        collate_fn=augment,
    )
    model = nn.Sequential(
        nn.LazyConv2d(32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.LazyConv2d(64, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.LazyLinear(len(data.class_names)),
    )
    model(torch.zeros(1, *train.dataset.images.shape[1:]))  # creates the weights
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for epoch in range(1 if args.quick else args.epochs):
        total = 0.0
        for batch, wanted in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(batch), wanted)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1}: loss {total / len(train.dataset):.4f}")

    correct = 0
    with torch.no_grad():
        for batch, wanted in torch.utils.data.DataLoader(Pictures(*test), 256):
            correct += int((model(batch).argmax(dim=1) == wanted).sum())
    print(f"test accuracy {correct / len(test[0]):.4f}")
    torch.save(model.state_dict(), "classifier.pt")
    return model, train


if __name__ == "__main__":  # Workers that are spawned import this file.
    model, train = main()
