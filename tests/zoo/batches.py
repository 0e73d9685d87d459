"""Examples that read each other: by mistake of an axis, by statistics, by choices over the whole batch."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from .scans import Recurrent
from .specimen import BATCH, FORWARD, GRADIENT, TEMPORAL, Fault, Function, Model, T, every, only

BOTH = GRADIENT | BATCH


def read_neighbour_example(x: Tensor) -> Tensor:
    """Let every example but the first read the example before it, at the same position."""
    return x.cumsum(1) + torch.cat([torch.zeros_like(x[:1]), x[:-1]], 0)


def with_example_leak(amplitude: float, pair: tuple[int, int]) -> Function:
    """Let example i read example j, where the batch has both."""
    i, j = pair

    def leaky(x: Tensor) -> Tensor:
        y = x.cumsum(1).clone()
        if max(pair) < len(x) and x.shape[1] > 5:
            y[i, 5, 1] += amplitude * x[j, 5, 0]
        return y

    return leaky


def batch_expert_choice(x: Tensor) -> Tensor:
    """At each position, process the one example of the batch that scores highest."""
    chosen = x.sum(-1, keepdim=True).argmax(0, keepdim=True)
    places = torch.arange(len(x), device=x.device)[:, None, None]
    return x.cumsum(1) + (places == chosen).to(x.dtype)


def quantised_by_tensor(x: Tensor) -> Tensor:
    scale = x.detach().abs().amax() / 7
    return x + ((x / scale).round() * scale - x).detach()


def viewed_as_time_first(x: Tensor) -> Tensor:
    """Take a tensor of (B, T, D) for one of (T, B, D)."""
    return x.reshape(x.shape[1], x.shape[0], x.shape[2]).transpose(0, 1)


def attention_over_examples(x: Tensor) -> Tensor:
    """Attend along the batch axis, with a causal mask, as (B, T, D) in a layer made for (T, B, D)."""
    x = x.transpose(0, 1)
    return scaled_dot_product_attention(x, x, x, is_causal=True).transpose(0, 1)


def build() -> list[Fault]:
    with torch.random.fork_rng():
        torch.manual_seed(60)
        over_examples = Recurrent(nn.GRU, batch_first=False)
    return [
        Fault(
            name="reads the example before",
            fn=read_neighbour_example,
            examples=3,
            reads_example=lambda i, j: i == j + 1,
            seen_by=BOTH,
        ),
        Fault(
            name="example 1 reads example 2",
            fn=with_example_leak(1e-3, (1, 2)),
            examples=3,
            reads_example=only((1, 2)),
            seen_by=BOTH,
        ),
        Fault(
            name="mean over examples subtracted",
            fn=lambda x: x.cumsum(1) - x.mean(0, keepdim=True),
            reads_example=every,
            seen_by=BOTH,
        ),
        Fault(name="softmax over examples", fn=lambda x: x.softmax(0), reads_example=every, seen_by=BOTH),
        Fault(
            name="attention along the batch",
            fn=attention_over_examples,
            examples=3,
            reads_example=lambda i, j: i > j,
            seen_by=BOTH,
        ),
        Fault(
            name="GRU along the batch",
            fn=over_examples,
            examples=3,
            reads_example=lambda i, j: i > j,
            seen_by=BOTH,
        ),
        Fault(
            name="view of time first",
            fn=viewed_as_time_first,
            reads=lambda t, s: s in {(2 * t + example) % T for example in range(2)},
            by_length=True,
            reads_example=every,
            seen_by=TEMPORAL | BATCH,
        ),
        Fault(
            name="mean over examples, detached",
            fn=lambda x: x.cumsum(1) - x.mean(0, keepdim=True).detach(),
            reads_example=every,
            seen_by=BATCH,
        ),
        Fault(
            name="one example chosen at each position",
            fn=batch_expert_choice,
            reads_example=every,
            seen_by=BATCH,
        ),
        Fault(
            name="quantised by tensor",
            fn=quantised_by_tensor,
            reads=every,
            reads_example=every,
            seen_by=FORWARD | BATCH,
        ),
        Fault(
            name="number of the example added",
            fn=lambda x: x.cumsum(1) + torch.arange(len(x))[:, None, None],
            seen_by=BATCH,
        ),
        Fault(name="divided by the number of examples", fn=lambda x: x.cumsum(1) / len(x), seen_by=BATCH),
    ]


MODELS: list[Model] = []
FAULTS = build()
