"""Hugging Face's Trainer: `python examples/train_transformers.py SHARDS OUT`

SHARDS/train and SHARDS/val are what `fastload prepare` made; OUT gets the checkpoints.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from transformers import EvalPrediction, TrainingArguments, ViTConfig, ViTForImageClassification, set_seed

from fastload import transforms as T
from fastload.adapters.transformers import DataLoader, Trainer  # instead of transformers' Trainer

FLOATS = T.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
TRAIN = [T.RandomResizedCrop(64), T.RandomHorizontalFlip(), FLOATS]
VAL = [T.Resize(72), T.CenterCrop(64), FLOATS]


def accuracy(prediction: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float(np.mean(prediction.predictions.argmax(1) == prediction.label_ids))}


def main(shards: Path, out: Path, **options: object) -> dict[str, float]:
    set_seed(0)
    train = DataLoader(shards / "train", batch_size=8, shuffle=True, drop_last=True, transform=TRAIN)
    val = DataLoader(shards / "val", batch_size=8, return_mask=True, transform=VAL)
    config = ViTConfig(
        image_size=64,
        patch_size=16,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_labels=len(train.dataset.classes),
    )
    arguments = TrainingArguments(
        output_dir=str(out),
        num_train_epochs=2,
        per_device_train_batch_size=8,
        per_device_eval_batch_size=8,
        report_to=[],
        **options,
    )
    trainer = Trainer(
        model=ViTForImageClassification(config),
        args=arguments,
        train_dataset=train,
        eval_dataset=val,
        compute_metrics=accuracy,
    )
    trainer.train()
    return trainer.evaluate()


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2])))
