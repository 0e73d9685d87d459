"""The numbers that ``Spec/Statements/SsdValues.lean`` expects are those of parallel algorithms in PyTorch.

Integers, with the stand-ins of ``surrogates`` for the nonlinearities of the kernel. The chunked algorithms
run in float64 on inputs whose decays are powers of two, so that they are exact.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from scanproof import GatedDeltaRule, GatedLinearAttention, Kernel, SsdScan
from surrogates import Surrogates, exp, silu, softplus

LEAN = (Path(__file__).parents[1] / "Spec" / "Statements" / "SsdValues.lean").read_text()
T, CHUNK, CHUNKS, PADDED = 7, 3, 3, 9


def pattern(modulus: int, offset: int, *terms: tuple[int, int]) -> Tensor:
    """Return ``(sum of weight * index) % modulus - offset`` over all indices; a term is (weight, size)."""
    grids = torch.meshgrid(*(torch.arange(size) for _, size in terms), indexing="ij")
    total = torch.stack([weight * grid for (weight, _), grid in zip(terms, grids, strict=True)]).sum(0)
    return total % modulus - offset


def expects(tensor: Tensor) -> bool:
    exact = tensor.round().long()
    assert torch.equal(exact.to(tensor), tensor)
    return f"{exact.tolist()} := by decide\n" in LEAN


X = pattern(5, 2, (3, 5), (5, 4), (7, 2))
DT = pattern(4, 1, (7, 5), (3, 4))
B = pattern(5, 2, (5, 5), (2, 2), (3, 2)).repeat_interleave(2, dim=1)
C = pattern(3, 1, (1, 5), (3, 2), (2, 2)).repeat_interleave(2, dim=1)
Z = pattern(3, 1, (1, 5), (1, 4), (1, 2))
A = pattern(4, 2, (3, 4))
D = pattern(3, 1, (2, 4), (1, 2))
BIAS = pattern(5, 2, (2, 4))
START = pattern(3, 1, (1, 4), (1, 2), (1, 2))


def ssd_scan(full: bool, seq_idx: Sequence[int]) -> tuple[Tensor, Tensor]:
    dt = softplus(DT + BIAS).clamp(0, 6) if full else DT
    state, outputs = START, []
    for t in range(len(X)):
        if seq_idx[t] != (seq_idx[t - 1] if t else 0):
            state = torch.zeros_like(state)
        write = torch.einsum("h,hn,hp->hpn", dt[t], B[t], X[t])
        state = exp(dt[t] * A)[:, None, None] * state + write
        y = torch.einsum("hn,hpn->hp", C[t], state)
        outputs.append((y + D * X[t]) * silu(Z[t]) if full else y)
    return torch.stack(outputs), state


def test_ssd_scan() -> None:
    for full in (False, True):
        outputs, state = ssd_scan(full, [0] * 5)
        assert expects(outputs)
        assert expects(state)


def test_ssd_scan_with_seq_idx() -> None:
    outputs, state = ssd_scan(True, [0, 0, 1, 1, 2])
    assert expects(outputs)
    assert expects(state)


def padded(tensor: Tensor) -> Tensor:
    rest = tensor.new_zeros(PADDED - T, *tensor.shape[1:])
    return torch.cat([tensor, rest]).double().view(CHUNKS, CHUNK, *tensor.shape[1:])


def segment_sums(logs: Tensor) -> Tensor:
    """Return the sums over ``s < r <= t`` of the logarithms, -inf for ``s > t``; shape (..., t, s)."""
    sums = logs.cumsum(-1)
    differences = sums[..., :, None] - sums[..., None, :]
    return differences.masked_fill(~torch.ones_like(differences, dtype=torch.bool).tril(), -torch.inf)


def ssd_chunked(destination_axis: int) -> tuple[Tensor, Tensor]:
    """Run Mamba-2's chunked algorithm, or the faulty one that sums decays of chunks over destinations."""
    logs = padded(pattern(2, 0, (1, T)))
    b, c = padded(pattern(5, 2, (3, T), (2, 2))), padded(pattern(3, 1, (2, T), (1, 2)))
    x, start = padded(pattern(7, 3, (5, T), (3, 2))), pattern(3, 1, (1, 2), (1, 2)).double()
    sums = logs.cumsum(1)
    within = torch.einsum("mtn,msn,mts,msp->mtp", c, b, segment_sums(logs).exp2(), x)
    added = torch.einsum("msn,ms,msp->mpn", b, (sums[:, -1:] - sums).exp2(), x)
    added = torch.cat([start[None], added])
    decays = segment_sums(torch.cat([torch.zeros(1), sums[:, -1]])).exp2()
    if destination_axis:
        passed = torch.einsum("zc,cpn->cpn", decays, added)
    else:
        passed = torch.einsum("zc,cpn->zpn", decays, added)
    across = torch.einsum("mtn,mpn,mt->mtp", c, passed[:-1], sums.exp2())
    return (within + across).flatten(0, 1)[:T], passed[-1]


def test_ssd_by_chunks() -> None:
    outputs, state = ssd_chunked(destination_axis=False)
    assert expects(outputs)
    assert expects(state)


def test_ssd_summed_over_the_wrong_axis() -> None:
    outputs, _ = ssd_chunked(destination_axis=True)
    assert expects(outputs)


def queries_keys_values() -> tuple[Tensor, Tensor, Tensor]:
    q, k = pattern(5, 2, (3, T), (2, 2)), pattern(3, 1, (2, T), (1, 2))
    return padded(q), padded(k), padded(pattern(7, 3, (5, T), (3, 3)))


def test_gated_linear_attention_by_chunks() -> None:
    state = pattern(3, 1, (1, 2), (1, 3)).double()
    all_logs = padded(pattern(2, 0, (1, T), (1, 2)))
    outputs = []
    for q, k, v, logs in zip(*queries_keys_values(), all_logs, strict=True):
        products = logs.cumsum(0).exp2()
        scores = ((q * products) @ (k / products).T).tril()
        outputs.append(scores @ v + (q * products) @ state)
        state = products[-1][:, None] * (state + (k / products).T @ v)
    assert expects(torch.cat(outputs)[:T])
    assert expects(state)


def test_gated_delta_rule_by_chunks() -> None:
    state = pattern(3, 1, (1, 3), (1, 2)).double()
    all_logs, betas = padded(pattern(2, 0, (1, T))), padded(pattern(4, 1, (3, T)))
    outputs = []
    for q, k, v, logs, beta in zip(*queries_keys_values(), all_logs, betas, strict=True):
        products, between = logs.cumsum(0).exp2()[:, None], segment_sums(logs).exp2()
        system = torch.eye(CHUNK, dtype=torch.float64) + (beta[:, None] * (k @ k.T) * between).tril(-1)
        transform = torch.linalg.solve_triangular(system, beta.diag(), upper=False, unitriangular=True)
        corrected = transform @ v - (transform @ (products * k)) @ state.T
        outputs.append((products * q) @ state.T + (q @ k.T * between) @ corrected)
        state = products[-1] * state + corrected.T @ (k * between[-1][:, None])
    assert expects(torch.cat(outputs)[:T])
    assert expects(state)


def expects_of_twin(kernel: Kernel, tensors: Mapping[str, Tensor]) -> None:
    """Run a Python twin on one row, and check its outputs and its last state against Lean's numbers."""
    inputs = {name: tensor.numpy() for name, tensor in tensors.items()}
    results = kernel.run(inputs, Surrogates())
    for result in results.values():
        assert expects(torch.from_numpy(result[0].astype("float64")).squeeze())


def test_twin_of_ssd_scan() -> None:
    row = {"x": X, "dt": DT, "B": B[:, ::2], "C": C[:, ::2], "initial_state": START}
    row = {name: tensor[None] for name, tensor in row.items()}
    options = {"D": D, "z": Z[None], "dt_bias": BIAS}
    full = SsdScan(dt_softplus=True, dt_min=0, dt_max=6)
    expects_of_twin(SsdScan(), row | {"A": A})
    expects_of_twin(full, row | {"A": A} | options)
    expects_of_twin(full, row | {"A": A, "seq_idx": torch.tensor([[0, 0, 1, 1, 2]])} | options)


def row_of_attention() -> dict[str, Tensor]:
    q, k = pattern(5, 2, (3, T), (2, 2)), pattern(3, 1, (2, T), (1, 2))
    row = {"q": q, "k": k, "v": pattern(7, 3, (5, T), (3, 3))}
    return {name: tensor[None, :, None] for name, tensor in row.items()}


def test_twin_of_gated_linear_attention() -> None:
    decays = 2 ** pattern(2, 0, (1, T), (1, 2))[None, :, None]
    start = pattern(3, 1, (1, 2), (1, 3))[None, None]
    row = row_of_attention() | {"g": decays, "initial_state": start}
    expects_of_twin(GatedLinearAttention(log_decays=False), row)


def test_twin_of_the_gated_delta_rule() -> None:
    decays, betas = 2 ** pattern(2, 0, (1, T)), pattern(4, 1, (3, T))
    start = pattern(3, 1, (1, 3), (1, 2)).T[None, None]
    row = row_of_attention() | {"g": decays[None, :, None, None], "beta": betas[None, :, None]}
    for chunk_size in (None, 1, 3, 7, 9):
        kernel = GatedDeltaRule(log_decays=False, chunk_size=chunk_size)
        results = kernel.run(
            {n: x.numpy() for n, x in (row | {"initial_state": start}).items()}, Surrogates()
        )
        y, state = (torch.from_numpy(result[0].astype("float64")).squeeze() for result in results.values())
        assert expects(y)
        assert expects(state.T)
