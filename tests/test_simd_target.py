"""Which SIMD target runs: the one asked for, in every stage that has kernels."""

from __future__ import annotations

import pytest

from conftest import REPOSITORY
from fastload._native import image


def test_every_file_of_kernels_reports_its_target(simd_target: str) -> None:
    sources = [path for path in REPOSITORY.glob("csrc/*/*.cpp") if "foreach_target.h" in path.read_text()]
    files = {path.stem for path in sources} - {"simd_target"}
    assert {"lockstep", "idct", "upsample", "color", "resample_horizontal", "store_kernels"} <= files
    assert image.simd_stages() == dict.fromkeys(files, simd_target)


def test_the_best_target_is_the_default() -> None:
    image.set_simd_target("")
    assert image.simd_target() == image.simd_targets()[0]


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(ValueError, match="'MMX' is not one"):
        image.set_simd_target("MMX")
