"""What fastload says of CUDA: true on machines with a GPU and without."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastload
from fastload import transforms as T


def driver_sees_a_gpu() -> bool:
    """Asks the driver's own tool, not the runtime that is under test."""
    tool = shutil.which("nvidia-smi")
    return tool is not None and subprocess.run([tool, "-L"], capture_output=True).stdout.startswith(b"GPU")


def test_the_probe_agrees_with_the_driver() -> None:
    probe = fastload.cuda.probe()
    assert fastload.cuda.is_available() == probe.kernel_ran
    if not probe.compiled:
        assert "without CUDA" in probe.problem
        assert not probe.kernel_ran
        return
    assert probe.runtime_version >= 12000
    assert probe.kernel_ran == driver_sees_a_gpu() == (probe.device_count > 0)
    assert (probe.problem == "") == probe.kernel_ran


def test_the_module_needs_no_cuda_library() -> None:
    """The runtime is linked statically, so that one wheel imports everywhere."""
    import fastload._native as native

    linked = subprocess.run(["ldd", str(native.__file__)], capture_output=True, text=True, check=True).stdout
    assert "libjpeg" in linked or "libc.so" in linked
    assert not any(name in linked for name in ("libcudart", "libcuda.so", "libnvrtc"))


def test_importing_fastload_is_light() -> None:
    code = "import fastload, sys; print([m for m in ('torch', 'PIL', 'scipy', 'numpy') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


@pytest.mark.gpu
def test_pinned_batches(imagefolder: Path, tmp_path: Path) -> None:
    from fastload.prepare import prepare

    prepare(imagefolder, tmp_path, split="train")
    (split,) = (p.parent for p in tmp_path.rglob("dataset.json"))
    loader = fastload.DataLoader(split, 8, transform=T.Resize((32, 32)), pin_memory=True)
    for images, _ in loader:
        assert images.is_pinned()
        assert (images.cuda(non_blocking=True).cpu() == images).all()
