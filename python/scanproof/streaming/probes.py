"""What is compared: every way of feeding a sequence with one pass over it.

A probe yields pairs of tensors that should be equal. It raises ``Unsupported`` if the model has nothing to
compare.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from scanproof import theorems
from scanproof.streaming.feed import DRAFT, Feed, Pair
from scanproof.streaming.model import State, Unsupported, offered

NO_BATCH_THEOREM = "none: a runner reads one sequence"
NO_COPY_THEOREM = "none: in Lean a state is a value"


@dataclass(frozen=True)
class Probe:
    """One row of the report.

    Attributes:
        name: name of the way of feeding.
        pairs: yields the pairs to compare.
        theorem: the Lean theorem that states these equalities for a runner.
    """

    name: str
    pairs: Callable[[Feed], Iterator[Pair]]
    theorem: str


def step_by_step(feed: Feed) -> Iterator[Pair]:
    """Compare single tokens from the empty state with one pass."""
    yield Pair("one token at a time", feed.from_empty(feed.x)[0], feed.whole)


def prefill_then_steps(feed: Feed, lengths: tuple[int, ...]) -> Iterator[Pair]:
    """Compare a prefill of each length and the steps after it with one pass."""
    for k in lengths:
        y, state = feed.prefill(feed.x[:, :k])
        yield Pair(f"prefill of {k}", y, feed.whole[:, :k])
        end = feed.T if k == feed.middle else min(k + 2, feed.T)
        later, _ = feed.steps(feed.x[:, k:end], state)
        yield Pair(f"steps after a prefill of {k}", later, feed.whole[:, k:end], k)


def chunked_prefill(feed: Feed) -> Iterator[Pair]:
    """Compare several calls of several tokens each with one pass."""
    for lengths in _splits(feed.T):
        yield Pair(f"calls of {_listed(lengths)} tokens", feed.pieces(lengths)[0], feed.whole)


def verify_on_a_copy(feed: Feed) -> Iterator[Pair]:
    """Feed a draft of other tokens, then the right tokens from a copy of the state before the draft."""
    offered(feed.model, "extend")
    k, draft = feed.middle, _draft(feed)
    end = k + draft.shape[1]
    state = feed.reach(k)
    kept = feed.clone(state)
    y, _ = feed.extend(draft, state)
    expected = feed.forward(torch.cat([feed.x[:, :k], draft], 1))[:, k:]
    yield Pair(f"a draft of {end - k} tokens after {k}", y, expected, k)
    y, _ = feed.extend(feed.x[:, k:end], kept)
    yield Pair("the right tokens from a copy made before the draft", y, feed.whole[:, k:end], k)


def roll_back(feed: Feed) -> Iterator[Pair]:
    """Feed a draft of other tokens, roll the state back, and continue with the right tokens."""
    rollback = offered(feed.model, "rollback")
    k, draft = feed.middle, _draft(feed)
    end = k + draft.shape[1]
    _, drafted = feed.extend(draft, feed.reach(k))
    y, _ = feed.extend(feed.x[:, k:end], rollback(drafted, end - k))
    yield Pair("the right tokens after a rollback", y, feed.whole[:, k:end], k)


def state_returned(feed: Feed) -> Iterator[Pair]:
    """Compare the state of a prefill with that of steps, and of chunks, over the same tokens."""
    for k in sorted({1, feed.middle, feed.T}):
        x = feed.x[:, :k]
        after_prefill = feed.tensors(feed.prefill(x)[1])
        stepped = feed.tensors(feed.from_empty(x)[1])
        if not after_prefill and not stepped:
            raise Unsupported("no tensor was found in the state; offer tensors(state)")
        if len(after_prefill) != len(stepped):
            case = f"number of tensors in the state after {k} tokens"
            yield Pair(case, torch.empty(len(after_prefill)), torch.empty(len(stepped)), None)
            return
        for number, (got, expected) in enumerate(zip(after_prefill, stepped, strict=True)):
            yield Pair(f"tensor {number} of the state after {k} tokens", got, expected, None)


def clone_is_real(feed: Feed) -> Iterator[Pair]:
    """Step a state, compare its copy with what it was before, and then step the copy."""
    k = feed.middle
    count = min(3, feed.T - k)
    state = feed.reach(k)
    copied = feed.clone(state)
    before = [tensor.clone() for tensor in feed.tensors(copied)]
    y, _ = feed.steps(feed.x[:, k : k + count], state)
    for number, (after, was) in enumerate(zip(feed.tensors(copied), before, strict=True)):
        yield Pair(f"tensor {number} of a copy, after the original was stepped", after, was, None)
    again, _ = feed.steps(feed.x[:, k : k + count], copied)
    yield Pair("steps from the copy", again, y, k)


def batch_in_steps(feed: Feed) -> Iterator[Pair]:
    """Compare each row stepped alone with the same row stepped in the batch."""
    _need_rows(feed)
    x = feed.x[:, : min(feed.T, 12)]
    together, _ = feed.from_empty(x)
    for row in range(feed.batch):
        alone, _ = feed.from_empty(x[row : row + 1])
        yield Pair(f"steps of row {row} in its batch", together[row : row + 1], alone, 0, row)


def rows_that_end(feed: Feed) -> Iterator[Pair]:
    """Let the first row end: it gets padding, or leaves the batch, while the other rows continue."""
    _need_rows(feed)
    k = feed.middle
    end = min(k + DRAFT, feed.T)
    state = feed.reach(k)
    copied = feed.clone(state)
    tokens = feed.x[:, k:end].clone()
    tokens[0] = feed.noise(1)[0, k:end]
    y, _ = feed.steps(tokens, state)
    yield Pair("rows that go on while row 0 gets other tokens", y[1:], feed.whole[1:, k:end], k, 1)
    if callable(getattr(feed.model, "select", None)):
        backwards, left = [*range(feed.batch)][::-1], [*range(1, feed.batch)]
        yield from _of_rows(feed, "select", copied, backwards, "rows in reverse order")
        yield from _of_rows(feed, "select", copied, left, "rows that go on after row 0 has left")


def rows_reordered(feed: Feed) -> Iterator[Pair]:
    """Reorder rows, as a beam search does: in reverse order, and with the last row in place of the first."""
    offered(feed.model, "reorder")
    _need_rows(feed)
    state = feed.reach(feed.middle)
    backwards, twice = [*range(feed.batch)][::-1], [feed.batch - 1, *range(1, feed.batch)]
    yield from _of_rows(feed, "reorder", state, backwards, "rows in reverse order")
    yield from _of_rows(feed, "reorder", state, twice, "the last row twice, and not the first")


def garbage_under_the_mask(feed: Feed) -> Iterator[Pair]:
    """Compare the real tokens of a padded batch while the masked tokens change."""
    padded = offered(feed.model, "padded")
    pads, mask = _pads(feed), _mask(feed)
    plain, _ = padded(_padded(feed, torch.zeros_like(feed.x)), mask)
    for name, garbage in (("noise", feed.noise(2)), ("large garbage", 32 * feed.noise(3))):
        y, _ = padded(_padded(feed, garbage if feed.x.is_floating_point() else feed.noise(2)), mask)
        for row, pad in enumerate(pads):
            case = f"row {row} with {name} in place of zeros at its {pad} masked positions"
            yield Pair(case, y[row : row + 1, pad:], plain[row : row + 1, pad:], pad, row)


def left_padding(feed: Feed) -> Iterator[Pair]:
    """Compare each row of a padded batch with the same row alone and without padding."""
    padded = offered(feed.model, "padded")
    pads, mask, x = _pads(feed), _mask(feed), _padded(feed, feed.noise(2))
    together, _ = padded(x.clone(), mask)
    for row, pad in enumerate(pads):
        one = slice(row, row + 1)
        expected = feed.forward(x[one, pad:])
        yield Pair(f"row {row} of a batch, padded by {pad}", together[one, pad:], expected, pad, row)
        alone, _ = padded(x[one].clone(), mask[one])
        yield Pair(f"row {row} as a batch of one, padded by {pad}", alone[:, pad:], expected, pad, row)


def padded_then_steps(feed: Feed) -> Iterator[Pair]:
    """Compare steps after a padded prefill with the row alone and without padding."""
    padded = offered(feed.model, "padded")
    pads, x = _pads(feed), _padded(feed, feed.noise(2))
    _, state = padded(x.clone(), _mask(feed))
    if state is None:
        raise Unsupported("padded() returns no state")
    later = feed.noise(4)[:, :2]
    y, _ = feed.steps(later, state)
    for row, pad in enumerate(pads):
        one = slice(row, row + 1)
        expected = feed.forward(torch.cat([x[one, pad:], later[one]], 1))[:, -later.shape[1] :]
        yield Pair(f"steps of row {row} after a prefill padded by {pad}", y[one], expected, feed.T, row)


def packed_sequences(feed: Feed) -> Iterator[Pair]:
    """Compare sequences packed into one row with the same sequences on their own."""
    packed = offered(feed.model, "packed")
    third = max(1, feed.T // 3)
    lengths = [third, 1, feed.T - third - 1]
    x = feed.x[:1]
    apart = torch.cat([feed.forward(part) for part in x.split(lengths, dim=1)], 1)
    yield Pair(f"sequences of {_listed(lengths)} tokens in one row", packed(x.clone(), lengths), apart)


def probes(lengths: tuple[int, ...]) -> tuple[Probe, ...]:
    """Return every probe; prefills have these lengths."""
    flatten, decode, padding = (
        theorems.RUN_OF_PIECES,
        theorems.PREFILL_DECODE,
        theorems.LEFT_PADDING,
    )
    return (
        Probe("steps", step_by_step, flatten),
        Probe("prefill, then steps", lambda feed: prefill_then_steps(feed, lengths), decode),
        Probe("chunked prefill", chunked_prefill, flatten),
        Probe("verify on a copy", verify_on_a_copy, flatten),
        Probe("roll back", roll_back, flatten),
        Probe("state returned", state_returned, flatten),
        Probe("copy of the state", clone_is_real, NO_COPY_THEOREM),
        Probe("batch in steps", batch_in_steps, NO_BATCH_THEOREM),
        Probe("rows that end", rows_that_end, NO_BATCH_THEOREM),
        Probe("rows reordered", rows_reordered, NO_BATCH_THEOREM),
        Probe("garbage under the mask", garbage_under_the_mask, theorems.AFTER_PADDING),
        Probe("left padding", left_padding, padding),
        Probe("padded, then steps", padded_then_steps, padding),
        Probe("packed sequences", packed_sequences, theorems.PACKED),
    )


def _of_rows(feed: Feed, method: str, state: State, rows: list[int], case: str) -> Iterator[Pair]:
    """Continue from the middle with these rows of a copy of a state."""
    k = feed.middle
    end = min(k + DRAFT, feed.T)
    chosen = offered(feed.model, method)(feed.clone(state), rows)
    y, _ = feed.steps(feed.x[rows, k:end], chosen)
    for place, row in enumerate(rows):
        yield Pair(case, y[place : place + 1], feed.whole[row : row + 1, k:end], k, row)


def _splits(T: int) -> list[tuple[int, ...]]:
    """Return lengths of pieces: halves, one token first or last, eights, and growing lengths."""
    half = T // 2
    eights = (8,) * (T // 8) + ((T % 8,) if T % 8 else ())
    growing: list[int] = []
    while sum(growing) < T:
        growing.append(min(len(growing) + 1, T - sum(growing)))
    return list(dict.fromkeys([(half, T - half), (1, T - 1), (T - 1, 1), eights, tuple(growing)]))


def _listed(lengths: tuple[int, ...] | list[int]) -> str:
    shown = ", ".join(map(str, lengths[:6]))
    return f"{shown}, …" if len(lengths) > 6 else shown


def _draft(feed: Feed) -> Tensor:
    """Return tokens for the positions after the middle that differ from the tokens of ``x``."""
    return feed.noise(0)[:, : min(DRAFT, feed.T - feed.middle)]


def _pads(feed: Feed) -> list[int]:
    """Return the padding of each row on the left: rows of a batch differ, and a single row gets some."""
    most = max(1, min(5, feed.T // 3))
    return [most if row % 2 == (feed.batch > 1) else row % most for row in range(feed.batch)]


def _mask(feed: Feed) -> Tensor:
    pads = torch.tensor(_pads(feed), device=feed.x.device)
    return torch.arange(feed.T, device=feed.x.device)[None] >= pads[:, None]


def _padded(feed: Feed, garbage: Tensor) -> Tensor:
    """Return rows of the same length: garbage, then as many tokens of ``x`` as fit."""
    rows = [
        torch.cat([garbage[row, :pad], feed.x[row, : feed.T - pad]]) for row, pad in enumerate(_pads(feed))
    ]
    return torch.stack(rows)


def _need_rows(feed: Feed) -> None:
    if feed.batch < 2:
        raise Unsupported("x has one row; pass at least two")
