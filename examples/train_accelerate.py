"""Hugging Face accelerate: `accelerate launch examples/train_accelerate.py SHARDS`

SHARDS/train and SHARDS/val are what `fastload prepare` made.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torchvision.models import resnet18

from fastload import transforms as T
from fastload.adapters.accelerate import DataLoader  # instead of torch.utils.data

FLOATS = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)
TRAIN = [T.RandomResizedCrop(64), T.RandomHorizontalFlip(), FLOATS]
VAL = [T.Resize(72), T.CenterCrop(64), FLOATS]


def main(shards: Path, epochs: int = 2) -> float:
    """Returns the share of validation images that were classified rightly."""
    accelerator = Accelerator(gradient_accumulation_steps=2)
    set_seed(0)
    train = DataLoader(shards / "train", batch_size=8, shuffle=True, drop_last=True, transform=TRAIN)
    val = DataLoader(shards / "val", batch_size=8, return_mask=True, transform=VAL)
    model = resnet18(num_classes=len(train.dataset.classes))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    model, optimizer, train, val = accelerator.prepare(model, optimizer, train, val)
    for _ in range(epochs):
        model.train()
        for images, labels in train:
            with accelerator.accumulate(model):
                accelerator.backward(nn.functional.cross_entropy(model(images), labels))
                optimizer.step()
                optimizer.zero_grad()

    model.eval()
    rights: list[torch.Tensor] = []
    with torch.inference_mode():
        for images, labels, _mask in val:
            # Without the rows that only pad the last batch.
            rights.append(accelerator.gather_for_metrics(model(images).argmax(1) == labels))
    right = torch.cat(rights)
    accelerator.print(f"{right.sum()} of {len(right)} validation images right")
    accelerator.end_training()
    return right.float().mean().item()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
