"""Run a mode of the engine on what the zoo keeps, once."""

from functools import cache

import torch

from scanproof import (
    BatchReport,
    CausalCertificate,
    PerturbationReport,
    PrefixReport,
    certify,
    check_batch,
    check_perturbation,
    check_prefix,
)

from .specimen import Fault, Mode, Specimen

RANDOM_CUTS = 8

AnyReport = CausalCertificate | PerturbationReport | PrefixReport | BatchReport


@cache
def examined(specimen: Specimen, mode: Mode, dtype: torch.dtype = torch.float32) -> AnyReport:
    """Return the report of one mode at the input of the specimen alone."""
    fn, x, alignment = specimen.at(dtype), specimen.x(dtype), specimen.alignment
    match mode:
        case "read":
            return certify(fn, x, cases=1, lengths=(), batch_sizes=(), alignment=alignment)
        case "exact":
            return certify(fn, x, cuts="all", cases=1, alignment=alignment)
        case "coded":
            return certify(fn, x, cuts="coded", cases=1, alignment=alignment)
        case "random":
            return certify(fn, x, cuts="rand", K=RANDOM_CUTS, alignment=alignment)
        case "perturbation":
            return check_perturbation(fn, x, cases=1, vocab_size=specimen.ids, alignment=alignment)
        case "prefix":
            return check_prefix(fn, x, cases=1, vocab_size=specimen.ids, alignment=alignment)
        case "batch":
            return check_batch(fn, x, cases=1, vocab_size=specimen.ids)


def crossed_share(fault: Fault) -> float:
    """Return the share of cuts that some leaky pair crosses."""
    outputs, inputs = fault.order.outputs.tolist(), fault.order.inputs.tolist()
    crossed = {cut for t, s in fault.pairs for cut in range(outputs[t] + 1, inputs[s] + 1)}
    return len(crossed) / len(fault.order.cuts)
