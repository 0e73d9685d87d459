"""Every scan of the package refines, forward and backward, by a bound that is near what it does."""

from functools import partial

import pytest
import torch
from torch import Tensor

from block_case import scalar_s4
from scan_case import Scan, scan_case, sequential
from scanproof import (
    SelectiveScanFn,
    Verdict,
    check_refinement,
    selective_scan,
    selective_scan_associative,
    selective_scan_chunked,
)
from verdicts import present

LENGTH = 13
SCANS: dict[str, Scan] = {
    "sequential": selective_scan,
    **{f"chunks of {n}": partial(selective_scan_chunked, chunk_size=n) for n in range(1, LENGTH + 2)},
    "associative": selective_scan_associative,
}
DTYPES = [torch.float64, torch.float32, torch.bfloat16]


def refines_sharply(scan: Scan, case: dict[str, Tensor]) -> None:
    for gradients in (False, True):
        report = check_refinement(
            scan, SelectiveScanFn(), {**case, "delta_softplus": True}, gradients=gradients
        )
        assert report.verdict is Verdict.REFINES, report.summary()
        assert 1e-2 < report.worst.ratio < 1, "within two orders of magnitude of an error"


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)
def test_own_scans_refine(scan: Scan, dtype: torch.dtype) -> None:
    refines_sharply(scan, scan_case(length=LENGTH, dtype=dtype))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scan", ["sequential", "chunks of 3", "associative"])
def test_own_scans_refine_with_groups(scan: str, dtype: torch.dtype, groups: int) -> None:
    refines_sharply(SCANS[scan], scan_case(channels=4, length=LENGTH, dtype=dtype, groups=groups))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_output_and_gradient_comes_near_its_bound(dtype: torch.dtype) -> None:
    """One by one, not only the worst of all: a bound too loose for one gradient would hide its bugs."""
    report = check_refinement(
        selective_scan,
        SelectiveScanFn(),
        {**scan_case(length=LENGTH, dtype=dtype), "delta_softplus": True},
        gradients=True,
    )
    assert set(report.greatest) == {"y", "last_state", *(f"d{name}" for name in scan_case())}
    assert all(1e-3 < ratio < 1 for ratio in report.greatest.values()), report.greatest


def test_in_float64_the_reference_is_the_more_exact_one() -> None:
    """A scan that is right to 2^-53 but for one factor of 1 + 2^-43, which float64's bound would not hide."""
    case = scan_case(length=LENGTH, dtype=torch.float64)
    right = check_refinement(selective_scan, SelectiveScanFn(), {**case, "delta_softplus": True})
    assert right.reference.endswith("pairs of float64")
    assert 0 < present(right.ulps).median < 4
    assert present(right.ratios).median > 1e-3, "an error that was measured, not the same rounding twice"

    def off(**given: object) -> tuple[Tensor, Tensor]:
        y, last = sequential(**given)
        return y * (1 + 2.0**-43), last

    assert (
        check_refinement(off, SelectiveScanFn(), {**case, "delta_softplus": True}).verdict is Verdict.REFUTED
    )


def test_even_the_nearest_number_of_float64_has_an_error() -> None:
    """Of x / 3 exactly rounded float64 itself would see none; the pairs see what is missing."""
    spec = scalar_s4(inProj=0.0, a=0.0, outProj=0.0, skip=1 / 3)
    x = torch.linspace(1, 2, 20, dtype=torch.float64)[None, :, None]
    report = check_refinement(lambda x: x * (1 / 3), spec, x)
    assert report.verdict is Verdict.REFINES
    assert 0.1 < present(report.ulps).greatest <= 0.5
