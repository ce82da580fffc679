"""Lightning's Trainer on fastload's loader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import fastload
from fastload.adapters.lightning import DataLoader
from loading import TRAIN
from training_loops import Memory, example, fingerprints, torchrun

lightning = pytest.importorskip("lightning", reason="needs lightning (pip install 'fastload[frameworks]')")

OPTIONS: dict[str, Any] = {"batch_size": 16, "shuffle": True, "transform": TRAIN, "seed": 3}


class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.model = Memory()

    def training_step(self, batch: Any, _: int) -> torch.Tensor:
        images, labels = batch
        return nn.functional.cross_entropy(self.model(images), labels.clamp(max=1))

    def validation_step(self, batch: Any, _: int) -> None:
        self.model(batch[0])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(loader: DataLoader, directory: Path, checkpoint: Path | None = None, **options: Any) -> Memory:
    """Trains for two epochs, with a validation before and after each."""
    torch.set_num_threads(1)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", default_root_dir=directory, **quiet, **options
    )
    val = DataLoader(loader.dataset, loader.batch_size or 1, transform=TRAIN, seed=0)
    module = Module()
    trainer.fit(module, loader, val, ckpt_path=checkpoint)
    return module.model


def test_trainer_sees_the_loaders_batches(dataset: fastload.ShardDataset, tmp_path: Path) -> None:
    memory = fit(DataLoader(dataset, **OPTIONS), tmp_path, enable_checkpointing=False)
    loader = fastload.DataLoader(dataset, **OPTIONS)
    assert memory.seen == fingerprints(loader) + fingerprints(loader)


def test_a_checkpoint_holds_the_place(dataset: fastload.ShardDataset, tmp_path: Path) -> None:
    """From any step of two epochs of five: in the middle, at the end."""
    save = lightning.pytorch.callbacks.ModelCheckpoint(
        tmp_path, "{step}", every_n_train_steps=1, save_top_k=-1
    )
    undisturbed = fit(DataLoader(dataset, **OPTIONS), tmp_path, callbacks=[save])
    assert len(undisturbed.seen) == 10
    for step in (1, 4, 5, 6, 9):
        loader = DataLoader(dataset, **{**OPTIONS, "seed": None})
        resumed = fit(loader, tmp_path, tmp_path / f"step={step}.ckpt", enable_checkpointing=False)
        assert resumed.seen == undisturbed.seen[step:], f"from step {step}"
        assert torch.equal(resumed.linear.weight, undisturbed.linear.weight)


@pytest.mark.filterwarnings("ignore::fastload.errors.FallbackWarning")
def test_pytorchs_loader_in_fastloads_place_does_not_stop_checkpoints(tmp_path: Path) -> None:
    images = torch.utils.data.TensorDataset(torch.rand(20, 3, 8, 8), torch.zeros(20, dtype=torch.int64))
    memory = fit(DataLoader(images, 16), tmp_path)
    assert [len(batch) for batch in memory.seen] == [16, 4] * 2
    assert list(tmp_path.rglob("*.ckpt"))


def test_two_ranks_share_an_epoch(two_classes: Path) -> None:
    """Lightning puts no sampler of its own in; the ranks see what one process would."""
    lines = torchrun(Path(__file__), two_classes).split()
    seen = [value for pair in zip(*([w.split(",") for w in lines]), strict=True) for value in pair]
    loader = fastload.DataLoader(two_classes / "train", **{**OPTIONS, "batch_size": 4})
    expected = [f"{one:.6f}" for _ in range(2) for batch in fingerprints(loader) for one in batch]
    assert sorted(seen) == sorted(expected)


def test_the_example_trains(two_classes: Path, tmp_path: Path) -> None:
    trainer = example("train_lightning").main(
        two_classes, max_epochs=1, accelerator="cpu", logger=False, default_root_dir=tmp_path
    )
    assert trainer.global_step == 5
    assert 0 <= trainer.callback_metrics["accuracy"] <= 1


if __name__ == "__main__":  # a rank of test_two_ranks_share_an_epoch
    import sys
    import tempfile

    data = DataLoader(Path(sys.argv[1]) / "train", **{**OPTIONS, "batch_size": 4})
    with tempfile.TemporaryDirectory() as scratch:
        memory = fit(data, Path(scratch), strategy="ddp", devices=2, enable_checkpointing=False)
    print(",".join(f"{one:.6f}" for batch in memory.seen for one in batch), flush=True)
