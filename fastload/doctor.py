"""What `fastload doctor` finds: the native module, the GPU, optional packages, and what to do about gaps."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import fastload
from fastload import cuda

State = Literal["ok", "absent", "broken"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    ``state`` is "ok", "absent" (a feature less, nothing wrong) or "broken" (fastload cannot work);
    ``detail`` says what was found, ``remedy`` what to do where that is not "ok".
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


# Distributions that one feature needs each; the rest of pyproject.toml's dependencies came with fastload.
OPTIONAL = {
    "torchvision": "`fastload bench --against torchvision`",
    "opencv-python-headless": "`fastload bench --against opencv`",
    "nvidia-dali-cuda130": "`fastload bench --against dali`",
    "matplotlib": "`fastload bench --plot`",
}


def report() -> list[Finding]:
    """Look at this machine and installation. Does not raise; imports torch, and makes a context on a GPU."""
    return [*_machine(), *_native(), *_torch(), *_cuda(), *_optional()]


def as_text(findings: Iterable[Finding]) -> str:
    """One line for each finding, a second one for its remedy."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.state:7} {finding.name:24} {finding.detail}")
        if finding.remedy:
            lines.append(f"{'':8}-> {finding.remedy}")
    return "\n".join(lines)


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing is broken."""
    return all(finding.state != "broken" for finding in findings)


def _machine() -> Iterator[Finding]:
    usable, present = len(os.sched_getaffinity(0)), os.cpu_count() or 1
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}")
    limited = f" of {present}; this process is confined to them" if usable < present else ""
    yield Finding("cores", "ok", f"{usable}{limited} (num_workers=0 uses all)")


def _native() -> Iterator[Finding]:
    try:
        native = importlib.import_module("fastload._native")
    except ImportError as error:
        place = os.path.dirname(fastload.__file__)
        remedy = f"pip install fastload, or in a checkout: make build (fastload was imported from {place})"
        yield Finding("native module", "broken", str(error), remedy)
        return
    yield Finding("native module", "ok", f"{fastload.__version__}, {native.__file__}")
    yield Finding("JPEG decoder", "ok", native.decoder_version())
    targets = ", ".join(native.image.simd_targets())
    yield Finding("SIMD", "ok", f"{native.image.simd_target()} (this processor runs {targets})")


def _torch() -> Iterator[Finding]:
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        yield Finding("torch", "broken", str(error), "pip install torch")
        return
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU only"
    yield Finding("torch", "ok", f"{torch.__version__}, built for {built}")


def _cuda() -> Iterator[Finding]:
    try:
        found = cuda.probe()
    except ImportError:
        return  # said above: there is no native module to ask
    driver = f"driver for CUDA {found.driver_version // 1000}.{found.driver_version % 1000 // 10}"
    if found.kernel_ran:
        yield Finding("CUDA", "ok", f"{found.device_count} device(s), {driver}")
    elif not found.compiled:
        remedy = "to build with CUDA, put nvcc on PATH and run pip install again"
        yield Finding("CUDA", "absent", found.problem, remedy)
    elif not found.driver_version:
        remedy = "if this machine has a GPU, install NVIDIA's driver; nvidia-smi shows both"
        yield Finding("CUDA", "absent", f"compiled in, but there is no driver: {found.problem}", remedy)
    else:
        remedy = "nvidia-smi lists the devices, CUDA_VISIBLE_DEVICES hides them"
        yield Finding("CUDA", "absent", f"compiled in, {driver}, but no kernel runs: {found.problem}", remedy)


def _optional() -> Iterator[Finding]:
    for distribution, feature in OPTIONAL.items():
        try:
            version = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(distribution, "absent", f"{feature} needs it", "pip install 'fastload[bench]'")
        else:
            yield Finding(distribution, "ok", f"{version}, for {feature}")
