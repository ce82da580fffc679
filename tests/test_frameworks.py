"""Plain PyTorch: DDP, a compiled step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

import fastload
from loading import TRAIN
from training_loops import ROOT, torchrun

OPTIONS: dict[str, Any] = {"batch_size": 16, "shuffle": True, "transform": TRAIN, "seed": 3}


def test_ddp_under_torchrun(two_classes: Path) -> None:
    """18 validation images in global batches of 16: each counts once."""
    out = torchrun(ROOT / "examples" / "train_ddp.py", two_classes)
    assert out.split(" of ")[1] == "18 validation images right\n"


def test_a_compiled_step_is_compiled_once(dataset: fastload.ShardDataset) -> None:
    """Reused buffers and new epochs are no reason to compile again."""
    from torch._dynamo.testing import CompileCounter

    counter = CompileCounter()
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))

    def step(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(model(images), labels)

    compiled = torch.compile(step, backend=counter, fullgraph=True)
    loader = fastload.DataLoader(dataset, drop_last=True, **OPTIONS)
    for _ in range(2):
        for images, labels in loader:
            assert torch.equal(compiled(images, labels), step(images, labels))
    assert counter.frame_count == 1
