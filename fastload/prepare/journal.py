"""What an unfinished preparation remembers: `DEST/<split>/.prepare`, removed when dataset.json is written.

``plan.json`` holds the options and the source's fingerprint; ``train-000000.tar.json`` what a finished shard
contains and where in the source the next one begins. A shard becomes visible in this order: its bytes are
synced in `.prepare`; its entry is written, synced and renamed; it is renamed into the dataset's directory. So
a shard in that directory always has an entry. An entry without its shard is a crash between the last two
steps, and the shard is made again.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastload._durable import move, sync_directory, write_json
from fastload.errors import PrepareError
from fastload.manifest import FILE_NAME, JOURNAL_NAME, Change, ShardInfo, Skipped, shard_name

_PLAN = "plan.json"


@dataclass(frozen=True)
class Position:
    """A place in a source: ``index`` items of ``group`` lie before it."""

    group: int = 0
    index: int = 0


@dataclass(frozen=True)
class Entry:
    """A finished shard: what it holds, what was left out while it grew, and where the next one begins."""

    shard: ShardInfo
    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...]
    end: Position
    items: int  # of the source before ``end``
    bytes: int  # of these items


class Journal:
    """One split's journal, locked against a second process until ``close``."""

    def __init__(self, directory: Path, split: str, plan: Mapping[str, Any]) -> None:
        """Begin a preparation in ``directory``, or go on with the one that was begun there.

        Raises PrepareError if that one had other options or another source, or is still running.
        """
        self._dataset, self._split = directory, split
        self._directory = directory / JOURNAL_NAME
        self._directory.mkdir(parents=True, exist_ok=True)
        sync_directory(directory)
        sync_directory(directory.parent)
        self._lock = os.open(self._directory / "lock", os.O_CREAT | os.O_RDWR)
        try:
            self._take_lock()
            self._check_plan(plan)
            self.entries = self._read_entries()
        except BaseException:
            os.close(self._lock)
            raise

    def partial(self, name: str) -> Path:
        """Where the shard ``name`` is written until it is finished."""
        return self._directory / name

    def commit(self, entry: Entry) -> None:
        """Make a shard, whose bytes are synced in ``partial``, a part of the dataset."""
        write_json(self._entry_path(entry.shard.name), vars(entry))
        move(self.partial(entry.shard.name), self._dataset / entry.shard.name)

    def remove(self) -> None:
        """Forget everything: the manifest is there."""
        shutil.rmtree(self._directory)
        sync_directory(self._dataset)

    def close(self) -> None:
        """Unlock, and give the space of an unfinished shard back: it will be made again."""
        for unfinished in self._directory.glob("*.tar"):
            with suppress(OSError):  # this must not hide why we are here
                unfinished.unlink()
        os.close(self._lock)

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PrepareError(
                f"another `fastload prepare` is working in {self._dataset}: wait for it"
            ) from None

    def _check_plan(self, plan: Mapping[str, Any]) -> None:
        path = self._directory / _PLAN
        if path.exists():
            refuse_other_plan(self._dataset, "was begun", _load(path), plan)
            return
        strays = sorted(self._dataset.glob(f"{self._split}-*.tar"))
        if strays:
            raise PrepareError(
                f"{self._dataset} holds {strays[0].name}, but no {FILE_NAME} and no notes of an unfinished "
                "preparation: give another DEST, or remove the shards with --overwrite"
            )
        write_json(path, dict(plan))

    def _read_entries(self) -> list[Entry]:
        entries: list[Entry] = []
        while (path := self._entry_path(name := shard_name(self._split, len(entries)))).exists():
            shard = self._dataset / name
            entry = _parse(_load(path))
            if not shard.exists():
                break
            if shard.stat().st_size != entry.shard.bytes:
                raise PrepareError(
                    f"{shard} has {shard.stat().st_size} bytes, and had {entry.shard.bytes} when it was "
                    "finished: somebody changed it. Begin again with --overwrite"
                )
            entries.append(entry)
        return entries

    def _entry_path(self, name: str) -> Path:
        return self._directory / f"{name}.json"


def refuse_other_plan(dataset: Path, state: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise PrepareError, saying what differs, unless both plans give the same bytes."""
    differences = [
        f"{name} was {old.get(name)!r} and is {new.get(name)!r}"
        if name != "source"
        else "the source is another one"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    if differences:
        raise PrepareError(
            f"{dataset} {state} with other options: {'; '.join(differences)}. "
            "Use the same ones, give another DEST, or begin again with --overwrite"
        )


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PrepareError(f"{path} is damaged: {error}. Begin again with --overwrite") from error


def _parse(raw: Any) -> Entry:
    return Entry(
        shard=ShardInfo(**raw["shard"]),
        changes=tuple(Change(**change) for change in raw["changes"]),
        skipped=tuple(Skipped(**entry) for entry in raw["skipped"]),
        end=Position(**raw["end"]),
        items=raw["items"],
        bytes=raw["bytes"],
    )
