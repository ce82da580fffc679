"""timm's training loop: `python examples/train_timm.py SHARDS`

SHARDS/train and SHARDS/val are what `fastload prepare` made.
"""

from __future__ import annotations

import sys
from pathlib import Path

import timm
import torch
from timm.data import Mixup
from timm.loss import SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import AverageMeter, accuracy, random_seed

from fastload.adapters.timm import create_loader  # instead of timm.data


def main(shards: Path, epochs: int = 2, name: str = "resnet18") -> float:
    """Returns top-1 accuracy on the validation images, in percent."""
    random_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    common = {"num_workers": 2, "device": device, "use_prefetcher": device.type == "cuda"}
    train = create_loader(shards / "train", (3, 64, 64), 8, is_training=True, color_jitter=0, **common)
    val = create_loader(shards / "val", (3, 64, 64), 8, crop_pct=0.9, **common)
    classes = len(train.dataset.classes)
    model = timm.create_model(name, num_classes=classes).to(device)
    optimizer = create_optimizer_v2(model, opt="adamw", lr=2e-3, weight_decay=0.05)
    schedule = CosineLRScheduler(optimizer, t_initial=epochs)
    mixup = Mixup(mixup_alpha=0.2, num_classes=classes)
    loss_of = SoftTargetCrossEntropy()
    for epoch in range(epochs):
        model.train()
        for images, labels in train:
            images, targets = mixup(images.to(device), labels.to(device))
            loss = loss_of(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step(epoch + 1)

    model.eval()
    top1 = AverageMeter()
    with torch.inference_mode():
        for images, labels in val:
            (right,) = accuracy(model(images.to(device)), labels.to(device))
            top1.update(right.item(), len(labels))
    return top1.avg


if __name__ == "__main__":
    print(f"{main(Path(sys.argv[1])):.1f}% of the validation images right")
