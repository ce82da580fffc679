"""PyTorch Lightning: `python examples/train_lightning.py SHARDS`

SHARDS/train and SHARDS/val are what `fastload prepare` made. On several devices, the loaders share each epoch
among the ranks; a checkpoint of the Trainer holds the loader's place in its epoch.
"""

from __future__ import annotations

import sys
from pathlib import Path

import lightning as L
import torch
from torch import nn
from torchvision.models import resnet18

from fastload import transforms as T
from fastload.adapters.lightning import DataLoader  # instead of torch.utils.data

FLOATS = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)
TRAIN = [T.RandomResizedCrop(64), T.RandomHorizontalFlip(), FLOATS]
VAL = [T.Resize(72), T.CenterCrop(64), FLOATS]


class Classifier(L.LightningModule):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.network = resnet18(num_classes=classes)

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        images, labels = batch
        return nn.functional.cross_entropy(self.network(images), labels)

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        images, labels = batch
        right = self.network(images).argmax(1) == labels
        self.log("accuracy", right.float().mean(), batch_size=len(labels), sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)


def main(shards: Path, **options: object) -> L.Trainer:
    L.seed_everything(0)
    train = DataLoader(shards / "train", batch_size=8, shuffle=True, drop_last=True, transform=TRAIN)
    val = DataLoader(shards / "val", batch_size=8, drop_last=True, transform=VAL)
    trainer = L.Trainer(**{"max_epochs": 2, **options})
    trainer.fit(Classifier(len(train.dataset.classes)), train, val)
    return trainer


if __name__ == "__main__":
    print(main(Path(sys.argv[1])).callback_metrics)
