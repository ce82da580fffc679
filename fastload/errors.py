"""Every exception that fastload raises on purpose. docs/errors.md lists when, and what to do."""

from __future__ import annotations


class FastloadError(Exception):
    """Base of all of fastload's own exceptions."""


class JpegError(FastloadError, ValueError):
    """Bytes that libjpeg cannot decode, or a JPEG of a kind that fastload does not take."""


class TruncatedJpegError(JpegError):
    """A JPEG whose data end before the last row of the image."""


class ShardError(FastloadError, ValueError):
    """A file that is not a fastload shard and has no index, or is damaged, or was changed."""


class ShardVersionError(ShardError):
    """A shard whose index was written in a version that this fastload does not read."""


class ChecksumError(ShardError):
    """Stored bytes that no longer match their checksum."""


class ManifestError(FastloadError, ValueError):
    """A directory without a (valid) dataset.json: an unfinished `fastload prepare`, or not a dataset."""


class LabelError(FastloadError, ValueError):
    """A label outside the dataset's classes, or labels that cannot be found or do not fit."""


class PrepareError(FastloadError):
    """`fastload prepare` or `index` cannot go on, or finished with files that it had to leave out."""


class TransformError(FastloadError, ValueError):
    """A transform list that has no meaning, or that cannot be applied to an image of the dataset."""


class SampleError(FastloadError):
    """A sample that could not be loaded. Names shard, byte offset and key.

    Attributes: ``index`` (position in the dataset), ``key``, ``shard`` (path), ``offset`` (bytes into the
    shard). The reason is the exception's ``__cause__``.
    """

    def __init__(self, message: str, *, index: int, key: str, shard: str, offset: int) -> None:
        super().__init__(message)
        self.index, self.key, self.shard, self.offset = index, key, shard, offset


class LoaderTimeoutError(FastloadError, RuntimeError):
    """A batch did not arrive within ``timeout`` seconds."""


class GpuError(FastloadError, RuntimeError):
    """CUDA failed, or cannot be used in this process."""


class NoGpuError(GpuError):
    """There is no GPU that this process may use."""


class GpuDriverError(GpuError):
    """There is no NVIDIA driver, or it is older than the CUDA that fastload was built with."""


class GpuMemoryError(GpuError, MemoryError):
    """A batch needs more GPU memory than there is, or than ``gpu_memory_limit`` leaves."""


class GpuIndexError(GpuError, IndexError):
    """A device number that this process has no GPU for."""


class StateError(FastloadError, ValueError):
    """A loader's state that belongs to another dataset, transforms, seed, order or global batch."""


class RankError(FastloadError, ValueError):
    """An epoch that the ranks cannot share in steps of equal number, or ranks that make no sense."""


class BenchError(FastloadError, ValueError):
    """A benchmark that cannot be run as it is asked for."""


class FastloadWarning(UserWarning):
    """Base of fastload's warnings."""


class FallbackWarning(FastloadWarning):
    """PyTorch's own DataLoader loads a dataset, because of the transform or object that the message names."""
