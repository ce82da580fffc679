"""From folders of photographs to a trained network, and a comparison with other loaders: three minutes.

    python examples/demo.py IMAGES OUT

IMAGES/train and IMAGES/val hold a folder of images for each class. OUT gets the prepared shards, a contact
sheet, the training curve and the benchmark.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

import fastload
from fastload import transforms as T
from fastload.show import contact_sheet

SIZE, BATCH, EPOCHS = 64, 64, 50
TRAIN = [T.RandomResizedCrop(SIZE, scale=(0.3, 1.0)), T.RandomHorizontalFlip()]
VAL = [T.Resize(SIZE), T.CenterCrop(SIZE)]
FLOATS = T.Normalize(T.IMAGENET_MEAN, T.IMAGENET_STD)
console = Console()


def command(*arguments: str | Path) -> None:
    """What one types in a shell."""
    line = [str(argument) for argument in arguments]
    console.print(f"\n[bold]$ fastload {' '.join(line)}", soft_wrap=True)
    subprocess.run([sys.executable, "-m", "fastload.cli", *line], check=True)


def train(shards: Path) -> tuple[list[float], float, float]:
    """Accuracy on held-out images by epoch, images a second, share of the time spent waiting for images."""
    torch.manual_seed(0)
    loader = fastload.DataLoader(
        shards / "train", batch_size=BATCH, shuffle=True, drop_last=True, seed=0, transform=[*TRAIN, FLOATS]
    )
    held_out = fastload.DataLoader(shards / "val", batch_size=BATCH, transform=[*VAL, FLOATS])
    model = network(classes=len(loader.dataset.classes))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=EPOCHS * len(loader))
    accuracies, start = [], time.perf_counter()
    for epoch in range(1, EPOCHS + 1):
        model.train()
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        accuracies.append(accuracy(model, held_out))
        console.print(
            f"epoch {epoch:2}  loss {loss.item():.3f}  accuracy on held-out images {accuracies[-1]:.1%}"
        )
    seconds = time.perf_counter() - start
    return accuracies, EPOCHS * len(loader) * BATCH / seconds, loader.stats().wait_seconds / seconds


def network(classes: int) -> nn.Module:
    def block(inputs: int, outputs: int) -> nn.Module:
        convolution = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())

    body = [block(3, 32), block(32, 64), block(64, 128), block(128, 128)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))


@torch.inference_mode()
def accuracy(model: nn.Module, loader: fastload.DataLoader) -> float:
    model.eval()
    right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in loader)
    return right / len(loader.dataset)


def draw_curve(accuracies: list[float], out: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    axes.plot(range(1, len(accuracies) + 1), [100 * value for value in accuracies], marker="o")
    axes.set(xlabel="epoch", ylabel="accuracy on held-out images, %", ylim=(0, 100))
    axes.grid(alpha=0.3)
    figure.savefig(out, dpi=120)


def benchmark_data(shards: Path, out: Path) -> tuple[Path, list[str | Path]]:
    """Real ImageNet archives where they are at hand, else the photographs; and where the originals lie."""
    archives = Path(os.environ.get("FASTLOAD_IMAGENET", "../shared/imagenet-sample"))
    if not (archives / "ILSVRC2012_img_train.tar").is_file():
        return shards / "train", []
    command("prepare", archives, out / "imagenet")
    return out / "imagenet" / "train", ["--source", archives]


def main(images: Path, out: Path) -> None:
    shards = out / "shards"
    for split in ("train", "val"):
        command("prepare", images / split, shards, "--split", split)
    command("info", shards)
    contact_sheet(shards / "train", out / "grid.png", transform=[T.RandomResizedCrop(160, scale=(0.3, 1.0))])

    console.print("\n[bold]training")
    accuracies, rate, waiting = train(shards)
    draw_curve(accuracies, out / "accuracy.png")

    data, source = benchmark_data(shards, out)
    outputs = ["--json", out / "bench.json", "--plot", out / "bench.png"]
    command("bench", data, *source, "--seconds", "3", "--rounds", "2", *outputs)

    table = Table("what", "figure", title="fastload demo", show_header=False)
    table.add_row("images prepared", f"{len(fastload.ShardDataset(shards / 'train')):,} to train on")
    table.add_row(
        "accuracy on held-out images", f"{accuracies[0]:.1%} after one epoch, {accuracies[-1]:.1%} at last"
    )
    table.add_row("training speed", f"{rate:,.0f} images/s, {waiting:.0%} of the time waiting for images")
    for name in ("grid.png", "accuracy.png", "bench.png", "bench.json"):
        table.add_row(name, str(out / name))
    console.print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
