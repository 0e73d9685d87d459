"""Every rule gives what PyTorch gives, on the calls that the rows of reads are tested with."""

from fractions import Fraction

import pytest
import torch
from torch import Tensor

from programs.samples import SAMPLES, Sample
from scanproof.programs import record
from scanproof.programs.field.interpret import run_floats, run_residues
from scanproof.programs.field.pair import Complex, Lost, Pair
from scanproof.programs.field.primes import draw_primes
from scanproof.programs.field.residues import Side, Undecided, constant
from scanproof.programs.field.table import exponentiates
from scanproof.programs.program import Value

PRIMES = draw_primes(5)
DECIMAL = ("convolution", "leaky_relu")
"""Operations whose samples hold numbers that are no fractions of small whole numbers."""


def rounded(tensor: Tensor) -> Tensor:
    if tensor.is_complex():
        return torch.complex(rounded(tensor.real), rounded(tensor.imag))
    return (2 * tensor).round() if tensor.is_floating_point() else tensor


def numbers(tensor: Tensor) -> Pair | Complex:
    if tensor.is_complex():
        real, imag = (numbers(part) for part in (tensor.real, tensor.imag))
        assert isinstance(real, Pair)
        assert isinstance(imag, Pair)
        return Complex(real, imag)
    try:
        return Pair(constant(tensor, PRIMES.p), constant(tensor, PRIMES.q))
    except Undecided as error:
        return Pair(Lost(str(error)), Lost(str(error)))


def fraction(residue: int) -> float:
    """Return the fraction of least numerator and denominator with this residue (Wang 1981)."""
    before, now, first, second = PRIMES.p, residue, 0, 1
    while now * now * 2 > PRIMES.p:
        quotient = before // now
        before, now, first, second = now, before - quotient * now, second, first - quotient * second
    return float(Fraction(now, second))


def compare(side: Side, result: Tensor) -> None:
    assert side.values.shape == result.shape
    gone = torch.zeros(result.shape).bool() if side.gone is None else side.gone
    assert torch.equal(gone, result == -torch.inf)
    for residue, entry in zip(side.values[~gone].tolist(), result[~gone].double().tolist(), strict=True):
        assert fraction(residue) == pytest.approx(entry, rel=1e-6, abs=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_rule_gives_what_pytorch_gives_on_whole_numbers(sample: Sample) -> None:
    inputs = [rounded(each) for each in sample.inputs]
    program = record(sample.fn, *inputs)
    given = {value.index: tensor for value, tensor in zip(program.inputs, inputs, strict=True)}

    def drawn(value: Value) -> Pair | Complex:
        own = given[value.index] if value.source == "input" else value.tensor
        return numbers(torch.zeros(value.shape) if own is None else own)

    outputs = run_residues(program, run_floats(program, inputs), drawn, PRIMES)
    made_of_exp = any(exponentiates(node) for node in program.used)
    for path, output in outputs.items():
        result = program.results[path]
        parts = [(output, result)]
        if isinstance(output, Complex):
            parts = [(output.real, result.real), (output.imag, result.imag)]
        for pair, part in parts:
            assert isinstance(pair, Pair)
            if isinstance(pair.value, Lost):
                assert isinstance(pair.exponent, Lost)
            elif made_of_exp or pair.opaque or any(each in sample.name for each in DECIMAL):
                assert pair.value.values.shape == part.shape
            else:
                compare(pair.value, part)
