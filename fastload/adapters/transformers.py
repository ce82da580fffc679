"""Hugging Face's ``Trainer`` on fastload's loaders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch.utils.data
import transformers

import fastload
from fastload.adapters import accelerate


class DataLoader(accelerate.DataLoader):
    """:class:`fastload.adapters.accelerate.DataLoader`, whose batches are what image models take:
    ``{"pixel_values": images, "labels": labels}``. Rows that only pad a batch (``return_mask=True``) have
    label -100, which does not count in the loss."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        for images, labels, *_ in super().__iter__():
            yield {"pixel_values": images, "labels": labels}


class Trainer(transformers.Trainer):  # type: ignore[misc]
    """:class:`transformers.Trainer`, whose datasets may be loaders::

        from fastload.adapters.transformers import DataLoader, Trainer

        train = DataLoader("imagenet/train", 64, shuffle=True, transform=TRAIN)
        Trainer(model=model, args=args, train_dataset=train, eval_dataset=val, ...).train()

    They decide batch size, order and number of threads; the ``dataloader_*`` arguments do not. Batch sizes
    must be those of the arguments, though (else ValueError), because Trainer counts with these. A checkpoint
    in mid-epoch is resumed at its batch, without loading the ones before. Other datasets go Trainer's own
    way.
    """

    def get_train_dataloader(self) -> Any:
        loader = self.train_dataset
        if not _is_loader(loader, "train_dataset", self.args.per_device_train_batch_size):
            return super().get_train_dataloader()
        steps = _Steps(loader)
        self.add_callback(_EpochCallback(steps))
        # To resume, Trainer skips what a torch DataLoader's batch sampler gives: here, numbers of batches.
        return torch.utils.data.DataLoader(steps, collate_fn=_only)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        loader = self.eval_dataset if eval_dataset is None else eval_dataset
        if isinstance(loader, str):
            loader = self.eval_dataset[loader]
        if not _is_loader(loader, "eval_dataset", self.args.per_device_eval_batch_size):
            return super().get_eval_dataloader(eval_dataset)
        return loader

    def get_test_dataloader(self, test_dataset: Any) -> Any:
        if not _is_loader(test_dataset, "test_dataset", self.args.per_device_eval_batch_size):
            return super().get_test_dataloader(test_dataset)
        return test_dataset


class _Steps(torch.utils.data.Dataset[Any]):
    """A loader's batches by their numbers: in order at its own speed, any other after a seek."""

    def __init__(self, loader: DataLoader) -> None:
        self.loader = loader
        self.begin(0)

    def begin(self, epoch: int) -> None:
        self._epoch, self._next = epoch, -1
        self._batches: Iterator[Any] = iter(())

    def __len__(self) -> int:
        return len(self.loader)

    def __getitem__(self, step: int) -> Any:
        if step != self._next:
            place = {"epoch": self._epoch, "step": step}
            self.loader.load_state_dict({**self.loader.state_dict(), **place})
            self._batches = iter(self.loader)
        self._next = step + 1
        return next(self._batches)


class _EpochCallback(transformers.TrainerCallback):  # type: ignore[misc]
    def __init__(self, steps: _Steps) -> None:
        self.steps = steps

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self.steps.begin(int(state.epoch))


def _only(batches: list[Any]) -> Any:
    (batch,) = batches
    return batch


def _is_loader(dataset: Any, name: str, batch_size: int) -> bool:
    if not isinstance(dataset, fastload.DataLoader | torch.utils.data.DataLoader):
        return False
    if not isinstance(dataset, DataLoader):
        raise TypeError(
            f"{name} is a {type(dataset)}: take DataLoader from fastload.adapters.transformers; where it "
            "falls back to PyTorch's, give Trainer the dataset"
        )
    if dataset.batch_size != batch_size:
        raise ValueError(
            f"{name} has batch_size={dataset.batch_size}, but TrainingArguments says {batch_size} a device"
        )
    return True
