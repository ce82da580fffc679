"""Plain PyTorch, one process or several:

    torchrun --nproc-per-node 2 examples/train_ddp.py SHARDS

SHARDS/train and SHARDS/val are what `fastload prepare` made.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torchvision.models import resnet18

from fastload import DataLoader  # instead of torch.utils.data
from fastload import transforms as T

FLOATS = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)
TRAIN = [T.RandomResizedCrop(64), T.RandomHorizontalFlip(), FLOATS]
VAL = [T.Resize(72), T.CenterCrop(64), FLOATS]


def main(shards: Path, epochs: int = 2) -> float:
    """Returns the share of validation images that were classified rightly."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device == "cuda" else "gloo")
    torch.manual_seed(0)
    # No DistributedSampler: the loaders share an epoch among the ranks of the process group.
    train = DataLoader(shards / "train", batch_size=8, shuffle=True, drop_last=True, seed=0, transform=TRAIN)
    val = DataLoader(shards / "val", batch_size=8, return_mask=True, transform=VAL)
    model = DistributedDataParallel(resnet18(num_classes=len(train.dataset.classes)).to(device))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(epochs):
        model.train()
        for images, labels in train:
            images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model.eval()
    counts = torch.zeros(2, dtype=torch.int64, device=device)
    with torch.inference_mode():
        for images, labels, mask in val:  # as many batches on every rank; the mask says what is padding
            right = model.module(images.to(device)).argmax(1).cpu() == labels
            counts += torch.stack([right[mask].sum(), mask.sum()]).to(device)
    dist.all_reduce(counts)
    if dist.get_rank() == 0:
        print(f"{counts[0]} of {counts[1]} validation images right")
    dist.destroy_process_group()
    return counts[0].item() / counts[1].item()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
