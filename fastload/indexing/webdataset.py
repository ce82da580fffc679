"""A tar of another program as WebDataset reads it: members with the same key, one after the other, are a
sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby

from fastload.manifest import Skipped
from fastload.prepare.sources import Item
from fastload.prepare.sources.folder import EXTENSIONS, printable
from fastload.prepare.tar import Member, TarIndex

_JPEG = ("jpg", "jpeg")
_IMAGES = tuple(extension[1:] for extension in EXTENSIONS)
# webdataset.tariterators: base_plus_ext, and the names that tar_file_iterator passes over.
_KEY_AND_SUFFIX = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)")
_META = re.compile(r"__[^/]*__($|/)")
_LABEL_BYTES = 32
NO_LABEL = -1
REMEDY = "convert it to an ordinary JPEG"


def samples(tar: TarIndex) -> Iterator[tuple[Item, int] | Skipped]:
    """The archive's samples in their order: each JPEG with where it begins in the archive.

    The label is that of the sample's ``.cls`` member, or -1 where it has none. What a sample holds besides is
    passed over. An image that is no JPEG, and a sample that cannot be told, is Skipped. Raises PrepareError
    where the archive is damaged.
    """
    for key, group in groupby(_keyed(tar.walk()), key=lambda part: part[0]):
        parts = [(suffix, member) for _, suffix, member in group]
        images = [member for suffix, member in parts if suffix in _JPEG]
        labels = [member for suffix, member in parts if suffix == "cls"]
        if not images:
            for suffix, member in parts:
                if suffix in _IMAGES:
                    yield Skipped(printable(member.name), f"is no JPEG: {REMEDY}")
            continue
        reason, label = "", NO_LABEL
        if len(images) > 1 or len(labels) > 1:
            names = ", ".join(member.name for member in images + labels)
            reason = f"is one of several images or labels of the sample {key!r}: {names}"
        elif printable(key) != key:
            reason = "its name is no UTF-8: rename it"
        elif labels:
            label, reason = _label(tar, labels[0])
        image = images[0]
        if reason:
            yield Skipped(printable(image.name), reason)
        else:
            yield Item(image.name, key, label, image.size, partial(tar.read, image)), image.offset


def _keyed(members: Iterable[Member]) -> Iterator[tuple[str, str, Member]]:
    for member in members:
        found = _KEY_AND_SUFFIX.fullmatch(member.name)
        if found and not _META.match(member.name):
            yield found[1], found[2].lower(), member


def _label(tar: TarIndex, member: Member) -> tuple[int, str]:
    """(label, "") or (-1, what is wrong with it)."""
    text = tar.read(member) if member.size <= _LABEL_BYTES else b"..."
    if re.fullmatch(rb"\s*(-1|\d{1,9})\s*", text):
        return int(text), ""
    return NO_LABEL, f"its label in {member.name} is no number of a class: {text.decode(errors='replace')!r}"
