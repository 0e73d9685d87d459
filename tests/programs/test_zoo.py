"""Readings of the zoo: every fault by which an output reads the future is seen, right models established.

Two kinds of right models cannot be: what a Fourier transform mixes and a later step cancels, and what is
added and subtracted again. Four faults read no later position: their outputs depend on the length.
"""

import pytest

from scanproof.programs import Reading, read
from zoo.faults import FAULTS
from zoo.models import MODELS
from zoo.specimen import Fault, Model, Specimen

NOT_BY_READING = {
    "FFT convolution": "_fft_",
    "FFT convolution in float32 inside": "_fft_",
    "total minus what comes after": "",
    "chunked sum, state by subtraction": "",
}
"""Right models that cancel what they read; the reason of the answer names a transform, where there is one."""

BY_LENGTH = {
    "divided by the length",
    "positions counted from the end",
    "chunks that begin where the length says",
    "attention sharpened by the length",
}
"""Faults whose outputs depend on how many positions there are, not on what is there."""

BY_NUMBER = {"number of the example added", "divided by the number of examples"}
"""Faults whose outputs depend on how many examples there are, or which one it is, not on other examples."""


def reading_of(specimen: Specimen) -> Reading:
    reading = read(specimen.fn, specimen.x(), alignment=specimen.alignment)
    assert reading.executed is not None
    assert reading.executed.same, reading.executed
    assert not reading.unknown
    return reading


def named(specimen: Specimen) -> str:
    return specimen.name


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_right_models_are_established(model: Model) -> None:
    reading = reading_of(model)
    if model.name not in NOT_BY_READING:
        assert reading.established, reading.summary()
        return
    found = reading.answer("positions")
    assert found is not None
    assert not found.established
    assert NOT_BY_READING[model.name] in found.reason


@pytest.mark.parametrize("fault", FAULTS, ids=named)
def test_faults_are_seen(fault: Fault) -> None:
    reading = reading_of(fault)
    found, rows = reading.answer("positions"), reading.answer("examples")
    assert found is not None
    if fault.temporal and fault.name not in BY_LENGTH:
        leaky = {t for t, _ in fault.pairs}
        assert leaky <= {each.at for each in found.excess}
        latest = {t: max(s for u, s in fault.pairs if u == t) for t in leaky}
        assert all(each.reads[0] >= latest[each.at] for each in found.excess if each.at in leaky)
        assert found.jump is not None
    else:
        assert found.established
    if fault.examples > 1:
        assert rows is not None
        assert {each.at for each in rows.excess} >= {i for i, _ in fault.example_pairs}
        assert rows.established == (not fault.example_pairs)


def test_what_is_listed_is_there() -> None:
    names = {specimen.name for specimen in (*FAULTS, *MODELS)}
    assert NOT_BY_READING.keys() | BY_LENGTH | BY_NUMBER <= names


def test_how_many_faults_are_exact() -> None:
    """Readings name the leaky outputs and no others, but for Fourier transforms."""
    more = set()
    for fault in FAULTS:
        if fault.temporal and fault.name not in BY_LENGTH and fault.T < 100:
            found = reading_of(fault).answer("positions")
            assert found is not None
            if {each.at for each in found.excess} != {t for t, _ in fault.pairs}:
                more.add(fault.name)
    assert more == {"circular FFT convolution, short kernel", "FFT convolution padded too little"}
