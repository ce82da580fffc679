"""Hugging Face's accelerate and Trainer on fastload's loaders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import fastload
from loading import TRAIN
from training_loops import ROOT, Memory, example, fingerprints, torchrun

accelerate = pytest.importorskip("accelerate", reason="needs accelerate (pip install 'fastload[frameworks]')")
transformers = pytest.importorskip("transformers", reason="needs transformers (as above)")
from accelerate.state import AcceleratorState, GradientState, PartialState  # noqa: E402

from fastload.adapters import transformers as hf  # noqa: E402
from fastload.adapters.accelerate import DataLoader  # noqa: E402

OPTIONS: dict[str, Any] = {"batch_size": 16, "shuffle": True, "transform": TRAIN, "seed": 3}


@pytest.fixture(autouse=True)
def _own_state() -> Iterator[None]:
    """accelerate keeps one state a process."""
    torch.set_num_threads(1)
    yield
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()


def expected(dataset: fastload.ShardDataset, epochs: int = 1, **options: Any) -> list[tuple[float, ...]]:
    loader = fastload.DataLoader(dataset, **{**OPTIONS, **options})
    return [one for _ in range(epochs) for one in fingerprints(loader)]


def test_accelerate_passes_over_a_foreign_iterable(dataset: fastload.ShardDataset) -> None:
    """Why there is an adapter: prepare() does nothing with a loader that is not torch's."""
    accelerator = accelerate.Accelerator(cpu=True)
    loader = fastload.DataLoader(dataset, **OPTIONS)
    assert accelerator.prepare(loader) is loader
    assert accelerator._dataloaders == []


def test_prepare_keeps_the_adapter_and_knows_it(dataset: fastload.ShardDataset) -> None:
    accelerator = accelerate.Accelerator(cpu=True)
    loader = DataLoader(dataset, **OPTIONS)
    assert accelerator.prepare(loader) is loader
    assert accelerator._dataloaders == [loader]
    assert isinstance(loader, torch.utils.data.DataLoader)
    batches = list(loader)
    assert all(images.device == accelerator.device for images, _ in batches)
    assert fingerprints(batches) == expected(dataset)


def test_an_accumulation_ends_with_the_epoch(dataset: fastload.ShardDataset) -> None:
    """70 samples make 5 batches: with 2 for a step, the last one is a step of its own."""
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = torch.nn.Linear(1, 1)
    model, loader = accelerator.prepare(model, DataLoader(dataset, **OPTIONS))
    synchronised = []
    for _ in range(2):
        for _ in loader:
            with accelerator.accumulate(model):
                synchronised.append(accelerator.sync_gradients)
    assert synchronised == [False, True, False, True, True] * 2
    assert not GradientState().in_dataloader


def test_a_loop_left_early_leaves_no_trace(dataset: fastload.ShardDataset) -> None:
    accelerator = accelerate.Accelerator(cpu=True)
    loader = accelerator.prepare(DataLoader(dataset, **OPTIONS))
    for _ in loader:
        break
    assert not GradientState().in_dataloader


@pytest.mark.parametrize("taken", [0, 2, 5])
def test_save_state_and_load_state_keep_the_place(
    dataset: fastload.ShardDataset, tmp_path: Path, taken: int
) -> None:
    accelerator = accelerate.Accelerator(cpu=True)
    loader = accelerator.prepare(DataLoader(dataset, **OPTIONS))
    whole = expected(dataset, epochs=2)
    batches = iter(loader)
    assert fingerprints([next(batches) for _ in range(taken)]) == whole[:taken]
    accelerator.save_state(str(tmp_path))
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()
    accelerator = accelerate.Accelerator(cpu=True)
    loader = accelerator.prepare(DataLoader(dataset, **{**OPTIONS, "seed": None}))
    accelerator.load_state(str(tmp_path))
    rest = fingerprints(loader)
    assert rest == whole[taken : taken + len(rest)]
    assert fingerprints(loader) == whole[taken + len(rest) :][: len(loader)]


def test_the_example_trains_on_two_ranks(two_classes: Path) -> None:
    """18 validation images in global batches of 16: each counts once. The variable is what `accelerate launch
    --cpu` sets; without it accelerate does not know of the other rank, and the loader says so."""
    out = torchrun(ROOT / "examples" / "train_accelerate.py", two_classes, ACCELERATE_USE_CPU="true")
    assert out.split(" of ")[1] == "18 validation images right\n"


class Classifier(Memory):
    """As transformers' models take and give."""

    def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:  # type: ignore[override]
        logits = super().forward(pixel_values)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def trainer(model: Classifier, dataset: fastload.ShardDataset, out: Path, **options: Any) -> hf.Trainer:
    arguments = transformers.TrainingArguments(
        output_dir=str(out),
        num_train_epochs=2,
        per_device_train_batch_size=16,
        per_device_eval_batch_size=16,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        **options,
    )
    train = hf.DataLoader(dataset, **OPTIONS)
    return hf.Trainer(model=model, args=arguments, train_dataset=train, eval_dataset=train)


@pytest.fixture
def pairs(dataset: fastload.ShardDataset) -> fastload.ShardDataset:
    """The samples with labels 0 and 1."""
    return dataset.select([number for number, sample in enumerate(dataset) if sample.label < 2] * 2)


def test_trainer_sees_the_loaders_batches(pairs: fastload.ShardDataset, tmp_path: Path) -> None:
    model = Classifier()
    result = trainer(model, pairs, tmp_path, eval_strategy="epoch", save_strategy="no").train()
    assert model.seen == expected(pairs, epochs=2)
    assert result.global_step == 8  # 56 samples in batches of 16, twice


def test_trainer_resumes_in_mid_epoch(pairs: fastload.ShardDataset, tmp_path: Path) -> None:
    undisturbed = Classifier()
    trainer(undisturbed, pairs, tmp_path, save_steps=3, gradient_accumulation_steps=1).train()
    for step in (3, 6):
        resumed = Classifier()
        loader = trainer(resumed, pairs, tmp_path, save_strategy="no")
        loader.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{step}"))
        assert resumed.seen == undisturbed.seen[step:]
        assert torch.equal(resumed.linear.weight, undisturbed.linear.weight)


def test_trainer_refuses_what_it_would_miscount(pairs: fastload.ShardDataset, tmp_path: Path) -> None:
    made = trainer(Classifier(), pairs, tmp_path)
    made.train_dataset = hf.DataLoader(pairs, 8, transform=TRAIN)
    with pytest.raises(ValueError, match="train_dataset has batch_size=8, but TrainingArguments says 16"):
        made.get_train_dataloader()
    made.train_dataset = fastload.DataLoader(pairs, 16, transform=TRAIN)
    with pytest.raises(TypeError, match=r"take DataLoader from fastload\.adapters\.transformers"):
        made.get_train_dataloader()
    made.train_dataset = [{"pixel_values": torch.zeros(3, 8, 8), "labels": 0}] * 16
    (batch,) = made.get_train_dataloader()
    assert batch["pixel_values"].shape == (16, 3, 8, 8)


def test_the_example_of_trainer_trains(two_classes: Path, tmp_path: Path) -> None:
    metrics = example("train_transformers").main(two_classes, tmp_path, use_cpu=True, save_strategy="no")
    assert 0 <= metrics["eval_accuracy"] <= 1
    assert metrics["epoch"] == 2
