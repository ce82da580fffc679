"""`fastload doctor`: what is there, what is not, and what to do about it."""

from __future__ import annotations

import sys

import pytest

import fastload
from fastload import cuda, doctor


def finding(name: str) -> doctor.Finding:
    (found,) = [finding for finding in doctor.report() if finding.name == name]
    return found


def test_this_installation_is_healthy() -> None:
    findings = doctor.report()
    assert doctor.healthy(findings)
    assert all(finding.detail for finding in findings)
    assert all(finding.remedy for finding in findings if finding.state != "ok")


def test_names_the_native_module_that_is_loaded() -> None:
    native = sys.modules["fastload._native"]
    assert str(native.__file__) in finding("native module").detail
    assert finding("JPEG decoder").detail == native.decoder_version()
    assert native.decoder_version().startswith("libjpeg-turbo")


def test_a_missing_native_module_is_told_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastload._native", None)
    monkeypatch.delattr(fastload, "_native", raising=False)
    found = finding("native module")
    assert found.state == "broken"
    assert "make build" in found.remedy
    assert not doctor.healthy(doctor.report())


@pytest.mark.parametrize(
    ("probe", "state", "detail"),
    [
        (cuda.Probe(compiled=False, problem="no nvcc was found"), "absent", "no nvcc was found"),
        (cuda.Probe(compiled=True, problem="no driver"), "absent", "there is no driver: no driver"),
        (
            cuda.Probe(True, driver_version=13010, problem="no device"),
            "absent",
            "driver for CUDA 13.1, but no kernel runs: no device",
        ),
        (cuda.Probe(True, 2, 12090, 13000, kernel_ran=True), "ok", "2 device(s), driver for CUDA 12.9"),
    ],
)
def test_cuda(monkeypatch: pytest.MonkeyPatch, probe: cuda.Probe, state: str, detail: str) -> None:
    monkeypatch.setattr(cuda, "probe", lambda: probe)
    found = finding("CUDA")
    assert found.state == state
    assert found.detail.endswith(detail)
    assert bool(found.remedy) == (state != "ok")


def test_an_optional_package_names_its_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.OPTIONAL, "no-such-distribution", "`fastload dream`")
    found = finding("no-such-distribution")
    assert found == doctor.Finding(
        "no-such-distribution", "absent", "`fastload dream` needs it", "pip install 'fastload[bench]'"
    )


def test_text_has_a_line_for_each_finding_and_each_remedy() -> None:
    findings = [
        doctor.Finding("torch", "ok", "2.9"),
        doctor.Finding("CUDA", "absent", "no driver", "install it"),
    ]
    assert doctor.as_text(findings).splitlines() == [
        "ok      torch                    2.9",
        "absent  CUDA                     no driver",
        "        -> install it",
    ]
