"""Selective scans with the ecosystem's signature; only the evaluation order of the state scan differs.

For each batch element, channel, state n and position t (Gu & Dao 2023, Mamba, section 3.2, with its kernel's
simplified discretisation of B)::

    dt_t    = delta_t + delta_bias                           (then softplus, if asked for)
    h_t[n]  = exp(dt_t A[n]) h_(t-1)[n] + (dt_t B_t[n]) u_t,  h_(-1) = 0
    y_t     = (sum over n of C_t[n] h_t[n] + D u_t) silu(z_t)

B and C are those of the channel's group; consecutive channels share a group (Lean theorem ``val_groupOf``).
In Lean this is the kernel ``selectiveScan`` with the zero state to start from: theorems
``selectiveStateUpdate_state`` and ``selectiveStateUpdate_output`` are the formulas, and
``selectiveScan_outputs_channel`` says that each channel is a diagonal scan of its own, whose states are read.
"""

from collections.abc import Callable, Mapping
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional

from scanproof.errors import InvalidArgument
from scanproof.scans.states import associative_states, chunked_states, sequential_states


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Scan token after token.

    Single steps from the state that a prefill returned continue the sequence exactly: Lean theorem
    ``selectiveScan_prefill_decode``.

    Args:
        u: inputs, (batch, channels, length), floating.
        delta: step sizes before bias and softplus, (batch, channels, length).
        A: continuous-time decays, (channels, states), negative in every Mamba checkpoint.
        B: input projections, (batch, groups, states, length), or (batch, states, length) for one group;
            consecutive channels share a group, and the groups divide the channels.
        C: output projections, as B; either may have an axis of groups without the other.
        D: skip weights, (channels,).
        z: gates, (batch, channels, length); the output is multiplied by ``silu(z)``.
        delta_bias: added to ``delta`` before the softplus, (channels,).
        delta_softplus: apply ``softplus`` (PyTorch's, identity above 20) to the step sizes.
        return_last_state: also return the state after the last token.

    Returns:
        y, (batch, channels, length) in the dtype of ``u``; with ``return_last_state`` (y, h), h of shape
        (batch, channels, states). The scan is computed, and h returned, in the widest dtype among the
        arguments, at least float32. Differentiable in every tensor.

    Raises:
        InvalidArgument: a shape does not fit, a dtype is not a real floating one, or a size is zero.

    >>> u, delta, A = torch.randn(2, 3, 5), torch.rand(2, 3, 5), -torch.rand(3, 4)
    >>> selective_scan(u, delta, A, torch.randn(2, 4, 5), torch.randn(2, 4, 5)).shape
    torch.Size([2, 3, 5])
    """
    return _scan(sequential_states, u, delta, A, B, C, D, z, delta_bias, delta_softplus, return_last_state)


def selective_scan_chunked(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    *,
    chunk_size: int = 64,
) -> Tensor | tuple[Tensor, Tensor]:
    """Scan all chunks in parallel, then carry one state from chunk to chunk.

    In exact arithmetic its outputs are the sequential ones: Lean theorem ``selectiveScan_outputs_chunked``;
    so is its last state: Lean theorem ``selectiveScan_state_chunks``.
    Arguments, result and errors as :func:`selective_scan`; ``chunk_size`` >= 1 need not divide the length.
    """
    if not isinstance(chunk_size, int) or chunk_size < 1:
        raise InvalidArgument(f"chunk_size is {chunk_size!r}; give a whole number of at least 1.")

    def states(a: Tensor, b: Tensor) -> Tensor:
        return chunked_states(a, b, chunk_size)

    return _scan(states, u, delta, A, B, C, D, z, delta_bias, delta_softplus, return_last_state)


def selective_scan_associative(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Scan by a parallel prefix over the transitions, in logarithmic depth.

    In exact arithmetic its outputs are the sequential ones, as those of any parallel prefix are: Lean
    theorem ``selectiveScan_outputs_prefixScan_zero``; so is its last state: Lean theorem
    ``selectiveScan_state_tree``.
    Arguments, result and errors as :func:`selective_scan`.
    """
    return _scan(associative_states, u, delta, A, B, C, D, z, delta_bias, delta_softplus, return_last_state)


def _scan(
    states: Callable[[Tensor, Tensor], Tensor],
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
    return_last_state: bool,
) -> Tensor | tuple[Tensor, Tensor]:
    given = {"u": u, "delta": delta, "A": A, "B": B, "C": C, "D": D, "z": z, "delta_bias": delta_bias}
    dtype = check_arguments({name: tensor for name, tensor in given.items() if tensor is not None})
    a, b = _transitions(
        u.to(dtype),
        delta.to(dtype),
        A.to(dtype),
        _grouped(B.to(dtype)),
        None if delta_bias is None else delta_bias.to(dtype),
        delta_softplus,
    )
    h = states(a, b)
    y = _read(h, _grouped(C.to(dtype)))
    if D is not None:
        y = y + D.to(dtype)[:, None] * u.to(dtype)
    if z is not None:
        y = y * functional.silu(z.to(dtype))
    y = y.to(u.dtype)
    return (y, h[:, :, -1]) if return_last_state else y


def _transitions(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, delta_bias: Tensor | None, delta_softplus: bool
) -> tuple[Tensor, Tensor]:
    """Return decays exp(dt A) and inputs (dt B) u of all steps, (batch, channels, length, states) each."""
    dt = delta if delta_bias is None else delta + delta_bias[:, None]
    if delta_softplus:
        dt = functional.softplus(dt)
    decays = torch.exp(dt[..., None] * A[:, None, :])
    of_group = dt.unflatten(1, (B.shape[1], -1))
    scaled = (of_group[..., None] * B.transpose(2, 3)[:, :, None]).flatten(1, 2)
    return decays, scaled * u[..., None]


def _read(h: Tensor, C: Tensor) -> Tensor:
    """Return the sums over states of C h, (batch, channels, length)."""
    of_group = h.unflatten(1, (C.shape[1], -1))
    return torch.einsum("bgdln,bgnl->bgdl", of_group, C).flatten(1, 2)


def _grouped(projections: Tensor) -> Tensor:
    """Return B or C as (batch, groups, states, length)."""
    return projections if projections.ndim == 4 else projections[:, None]


def check_arguments(given: Mapping[str, Tensor]) -> torch.dtype:
    """Check the tensors of a selective scan, and return the dtype to compute in.

    Args:
        given: those that are not None, by the names of the signature.

    Returns:
        The widest dtype among them, at least float32.

    Raises:
        InvalidArgument: a tensor is missing or is none, a shape does not fit, a dtype is not a real floating
            one, or a size is zero.
    """
    for name in ("u", "delta", "A", "B", "C"):
        if name not in given:
            raise InvalidArgument(f"{name} is None; give a tensor (only D, z and delta_bias may be None).")
    for name, tensor in given.items():
        if not isinstance(tensor, Tensor):
            raise InvalidArgument(f"{name} is a {type(tensor).__name__}; give a real floating-point tensor.")
        if not tensor.is_floating_point():
            raise InvalidArgument(f"{name} has dtype {tensor.dtype}; give a real floating-point tensor.")
    u, A = given["u"], given["A"]
    if u.ndim != 3 or 0 in u.shape:
        raise InvalidArgument(
            f"u has shape {tuple(u.shape)}; give (batch, channels, length), each at least 1."
        )
    batch, channels, length = u.shape
    if A.ndim != 2 or A.shape[0] != channels or A.shape[1] < 1:
        raise InvalidArgument(
            f"A has shape {tuple(A.shape)}; give (channels, states) with the {channels} channels of u."
        )
    states = A.shape[1]
    groups = next((given[name].shape[1] for name in "BC" if given[name].ndim == 4), 1)
    if groups < 1 or channels % groups:
        raise InvalidArgument(
            f"B and C have {groups} groups, u has {channels} channels; the groups must divide the channels."
        )
    per_group = {
        3: ("batch, states, length", (batch, states, length)),
        4: ("batch, groups, states, length", (batch, groups, states, length)),
    }
    expected = {
        "delta": ("batch, channels, length", (batch, channels, length)),
        "B": per_group.get(given["B"].ndim, per_group[3]),
        "C": per_group.get(given["C"].ndim, per_group[3]),
        "D": ("channels,", (channels,)),
        "z": ("batch, channels, length", (batch, channels, length)),
        "delta_bias": ("channels,", (channels,)),
    }
    for name, (axes, shape) in expected.items():
        if name in given and tuple(given[name].shape) != shape:
            raise InvalidArgument(
                f"{name} has shape {tuple(given[name].shape)}; u and A ask for ({axes}) = {shape}."
            )
    return reduce(torch.promote_types, (tensor.dtype for tensor in given.values()), torch.float32)
