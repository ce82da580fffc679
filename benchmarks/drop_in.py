"""Training loops before and after their one line: ``python benchmarks/drop_in.py FOLDER SHARDS``

FOLDER is an image folder (a folder for each class), SHARDS what `fastload prepare FOLDER` made of it. Prints
docs/drop-in.md's table. The network is one linear layer on the mean colour, so that the loaders are compared.
Loops take turns; each figure is the best of its rounds. CPU time counts worker processes, and is what a busy
machine disturbs least.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision import transforms as tv
from torchvision.datasets import ImageFolder

import fastload
from fastload import transforms as T

BATCH, SIZE, ROUNDS = 50, 224, 3
WORKERS = len(os.sched_getaffinity(0))
CROP = [tv.RandomResizedCrop(SIZE), tv.RandomHorizontalFlip()]
TRAIN = tv.Compose([*CROP, tv.ToTensor(), tv.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)])
OPTIONS: dict[str, Any] = {"batch_size": BATCH, "shuffle": True, "num_workers": WORKERS}
SHARDED: dict[str, Any] = {**OPTIONS, "transform": TRAIN}


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 1000)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.linear(images.mean(dim=(2, 3)))


def torch_loop(batches: Iterable[Any]) -> None:
    network = Network()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for images, labels in batches:
        loss = nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def accelerate_loop(batches: Iterable[Any]) -> None:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    network = Network()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    network, optimizer, batches = accelerator.prepare(network, optimizer, batches)
    for images, labels in batches:
        accelerator.backward(nn.functional.cross_entropy(network(images), labels))
        optimizer.step()
        optimizer.zero_grad()


def lightning_loop(batches: Iterable[Any]) -> None:
    import lightning

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network = Network()

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    lightning.Trainer(max_epochs=1, accelerator="cpu", logger=False, **quiet).fit(Module(), batches)


def timm_loader(create_loader: Callable[..., Any], dataset: Any) -> Any:
    options = {"color_jitter": 0, "num_workers": WORKERS, "device": torch.device("cpu")}
    return create_loader(
        dataset,
        (3, SIZE, SIZE),
        BATCH,
        is_training=True,
        use_prefetcher=False,
        persistent_workers=False,
        **options,
    )


def cases(folder: Path, shards: Path) -> dict[tuple[str, str], Callable[[], None]]:
    """By loop and loader, an epoch."""
    import timm.data

    from fastload.adapters import accelerate, lightning
    from fastload.adapters.timm import create_loader

    images = ImageFolder(folder, TRAIN)
    loops: dict[str, tuple[Callable[[Any], None], Callable[..., Any]]] = {
        "torchvision": (torch_loop, fastload.DataLoader),
        "Lightning": (lightning_loop, lightning.DataLoader),
        "accelerate": (accelerate_loop, accelerate.DataLoader),
    }
    found: dict[tuple[str, str], Callable[[], None]] = {}
    for name, (loop, loader) in loops.items():
        found[name, "before"] = lambda loop=loop: loop(torch.utils.data.DataLoader(images, **OPTIONS))
        found[name, "folder"] = lambda loop=loop, loader=loader: loop(loader(images, **OPTIONS))
        found[name, "shards"] = lambda loop=loop, loader=loader: loop(loader(shards, **SHARDED))
    found["timm", "before"] = lambda: torch_loop(timm_loader(timm.data.create_loader, ImageFolder(folder)))
    found["timm", "shards"] = lambda: torch_loop(timm_loader(create_loader, shards))
    return found


def measure(epoch: Callable[[], None]) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process and the ones it waited for."""

    def cpu() -> float:
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(u.ru_utime + u.ru_stime for u in usage)

    start, before = time.perf_counter(), cpu()
    epoch()
    return time.perf_counter() - start, cpu() - before


def main(folder: Path, shards: Path) -> None:
    torch.set_num_threads(1)
    epochs = cases(folder, shards)
    count = len(ImageFolder(folder))
    measured: dict[tuple[str, str], list[tuple[float, float]]] = {case: [] for case in epochs}
    for _ in range(ROUNDS):
        for case, epoch in epochs.items():
            measured[case].append(measure(epoch))
            print(case, measured[case][-1], os.getloadavg()[0], file=sys.stderr)
    print("| loop | before: images/s | folder | shards | before: CPU ms an image | folder | shards |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for loop in dict.fromkeys(loop for loop, _ in epochs):
        best = {
            what: tuple(min(column) for column in zip(*runs, strict=True))
            for (name, what), runs in measured.items()
            if name == loop
        }
        order = [best.get(what) for what in ("before", "folder", "shards")]
        speeds = [f"{count / b[0]:,.0f}" if b else "" for b in order]
        times = [f"{1000 * b[1] / count:.2f}" if b else "" for b in order]
        print(f"| {loop} | {' | '.join(speeds + times)} |")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
