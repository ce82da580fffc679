"""What each CUDA kernel takes of a GPU: registers, shared memory, stack, spills, and how many threads fit.

    python benchmarks/gpu_report.py [ARCHITECTURE ...]

Compiles the kernels with nvcc for each architecture (default: 90) and prints what ptxas says of them, as
Markdown. Needs no GPU. Fails if a kernel spills or has local memory.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "csrc" / "cuda" / "cuda_runtime.cu"


class Multiprocessor(NamedTuple):
    """CUDA's programming guide, "technical specifications per compute capability"."""

    threads: int
    blocks: int
    shared: int  # bytes, of which the system keeps 1024 a block
    registers: int = 65536


MULTIPROCESSORS = {
    "75": Multiprocessor(1024, 16, 64 << 10),
    "80": Multiprocessor(2048, 32, 164 << 10),
    "86": Multiprocessor(1536, 16, 100 << 10),
    "89": Multiprocessor(1536, 24, 100 << 10),
    "90": Multiprocessor(2048, 32, 228 << 10),
    "100": Multiprocessor(2048, 32, 228 << 10),
    "120": Multiprocessor(1536, 24, 100 << 10),
}


class Kernel(NamedTuple):
    name: str
    threads: int
    registers: int
    shared: int
    stack: int
    spills: int

    def resident_threads(self, sm: Multiprocessor) -> int:
        warps = self.threads // 32
        registers = -(-self.registers * 32 // 256) * 256 * warps  # handed out to warps by 256
        reserved = 0 if sm.shared == 64 << 10 else 1024
        blocks = min(
            sm.blocks,
            sm.threads // self.threads,
            sm.registers // registers,
            sm.shared // (self.shared + reserved) if self.shared + reserved else sm.blocks,
        )
        return blocks * self.threads


def compile_for(architecture: str) -> str:
    with tempfile.TemporaryDirectory() as directory:
        command = ["nvcc", "-std=c++20", f"-arch=sm_{architecture}", "-O3", "-fmad=false", "-Xptxas", "-v"]
        command += [f"-I{ROOT / 'csrc'}", "-c", str(SOURCE), "-o", os.path.join(directory, "kernels.o")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def threads_of(name: str) -> int:
    """As the kernel's header declares them."""
    for header in SOURCE.parent.glob("*.hpp"):
        if found := re.search(
            rf"struct {name} {{\s*static constexpr int kThreads = (\d+)", header.read_text()
        ):
            return int(found[1])
    raise SystemExit(f"no header declares the kernel {name}")


def kernels(log: str) -> Iterator[Kernel]:
    for part in log.split("Compiling entry function")[1:]:
        if not (mangled := re.search(r"3runINS\w*?_\d+([A-Za-z]+?)EEEv", part)):
            continue
        name = mangled[1]

        def number(pattern: str, text: str = part) -> int:
            return sum(map(int, re.findall(pattern, text)))

        yield Kernel(
            name,
            threads_of(name),
            number(r"Used (\d+) registers"),
            number(r"(\d+) bytes smem"),
            number(r"(\d+) bytes stack frame"),
            number(r"(\d+) bytes spill"),
        )


def main(architectures: list[str]) -> int:
    print("| GPU | kernel | threads | registers | shared | stack | spills | resident threads |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    clean = True
    for architecture in architectures:
        sm = MULTIPROCESSORS[architecture]
        for kernel in sorted(kernels(compile_for(architecture))):
            resident = kernel.resident_threads(sm)
            clean = clean and kernel.stack == kernel.spills == 0
            share = f"{resident} ({resident / sm.threads:.0%})"
            print("|", " | ".join(map(str, (f"sm_{architecture}", *kernel, share))), "|")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["90"]))
