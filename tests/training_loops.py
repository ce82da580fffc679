"""What the tests of training loops share: the example scripts, data to run them on, a model with a memory."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

import corpus
import fastload
from fastload.prepare import prepare

ROOT = Path(__file__).parent.parent


def example(name: str) -> ModuleType:
    """examples/NAME.py, imported; on one thread, because its models are too small for more."""
    torch.set_num_threads(1)
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_shards(directory: Path) -> Path:
    """DIRECTORY/shards/train of 40 images and DIRECTORY/shards/val of 18, in two classes."""
    for split, count in (("train", 20), ("val", 9)):
        images = corpus.make_imagefolder(directory / split, classes=2, per_class=count, sides=(70, 120))
        prepare(images, directory / "shards", split=split)
    return directory / "shards"


def torchrun(script: Path, *arguments: str | Path, **environment: str) -> str:
    """What the script prints on two ranks."""
    launcher = ["--nproc-per-node", "2", "--standalone", "--local-addr", "127.0.0.1"]
    command = [sys.executable, "-m", "torch.distributed.run", *launcher, script, *arguments]
    package = Path(fastload.__file__).parent.parent
    environment |= {"PYTHONPATH": f"{package}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    environment["GLOO_SOCKET_IFNAME"] = "lo"
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def fingerprints(batches: Any) -> list[tuple[float, ...]]:
    """A number for each image of each (images, labels)."""
    return [fingerprint(images) for images, _ in batches]


def fingerprint(images: torch.Tensor) -> tuple[float, ...]:
    return tuple(images.double().sum(dim=(1, 2, 3)).tolist())


class Memory(torch.nn.Module):
    """A classifier of two classes that keeps the fingerprints of all its training batches."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.seen: list[tuple[float, ...]] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen.append(fingerprint(images))
        return self.linear(images.mean(dim=(2, 3)))
