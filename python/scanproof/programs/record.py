"""Record what a PyTorch function computes at an input, as a program of ATen operations.

A dispatch mode sees every operation that PyTorch runs below autograd, with real tensors, after PyTorch has
decomposed composite operations. A write becomes an operation that returns the written tensor
(``scanproof.programs.marks``). PyTorch's core ATen decompositions split an operation without a row in the
table of reads. The program therefore has no views, no writes, and few kinds of operations.

``torch.fx.experimental.proxy_tensor.make_fx`` with ``functionalize`` gives the same program, but takes 0.7 ms
per operation (torch 2.13, CPU). For a Python loop over 512 tokens, this is 560 times the time of the loop
itself; this mode takes 6 to 9 times the time. Tensors are not wrapped, so the state that a module keeps
between calls stays usable, and Python sees the real values.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator
from torch.utils._python_dispatch import TorchDispatchMode

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.foundation.seeds import seed_torch
from scanproof.programs.departures import Numbers, asked
from scanproof.programs.execute import called
from scanproof.programs.garbage import without_gc
from scanproof.programs.marks import Mark
from scanproof.programs.memory import copied, entries_at, fills_memory, places, shared_places
from scanproof.programs.operations import Traits, traits_of
from scanproof.programs.places import Where, held_tensors
from scanproof.programs.program import Departure, Node, Program, Source, Value
from scanproof.programs.table import decomposition_of
from scanproof.programs.trees import leaves, mapped

aten = torch.ops.aten
_MARK = "_scanproof_mark"
_PLAIN, _VIEW, _OTHER = range(3)
_PYTHON = {int, float, bool, list, tuple, type(None), str, torch.dtype}
_TWICE = (
    "read: the function writes into a tensor that it holds, and reads the same memory through another; "
    "read the memory through the tensor that is written into."
)


def record(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Program:
    """Record ``fn(*args, **kwargs)``.

    The function runs once on copies of its inputs, with their strides and storage offsets, without autograd
    unless the function enables autograd. Its writes into tensors that it holds, such as running statistics,
    are undone.

    Args:
        fn: a function or module.
        args: the inputs: tensors of any dtype, or tuples, lists, dicts and dataclasses of tensors. Other
            objects are passed on unchanged. A single input is called ``x``; several inputs are called
            ``x[0]``, ``x[1]``, ….
        kwargs: inputs by name.

    Returns:
        The program. A parameter is a value that may hold any numbers; buffers and other tensors that the
        function holds are constants.

    Raises:
        InvalidArgument: the function cannot be recorded: it writes into overlapping memory, resizes tensors,
            or uses sparse, nested or quantised tensors or subclasses with code.
        NothingEstablished: the function raised.

    Example:
        >>> import torch
        >>> record(lambda x: x.cumsum(1) * 2, torch.ones(1, 3)).nodes
        [%1 = aten.cumsum.default(%0, 1), %2 = aten.mul.Tensor(%1, 2)]
    """
    recorder = _Recorder(fn)
    return recorder.run(args, kwargs)


class _Recorder(TorchDispatchMode):
    def __init__(self, fn: Callable[..., Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch does not type it
        self._fn = fn
        self._where = Where(fn, _Recorder.run.__code__)
        self._before = held_tensors(fn)
        self.nodes: list[Node] = []
        self.values: list[Value] = []
        self.departures: list[Departure] = []
        self._held: dict[int, tuple[Tensor, Mark]] = {}
        self._given: dict[int, Tensor] = {}
        self._shared: dict[str, Tensor] = {}
        self._gaps: list[Value] = []
        self._written: list[tuple[Tensor, Tensor]] = []
        self._traits: dict[Any, Traits] = {}
        self._kinds: dict[int, tuple[int, Callable[..., Any]]] = {}
        self._numbers = Numbers()

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
        inputs: list[Value] = []

        def given(path: str, tensor: Tensor) -> Tensor:
            self._check(tensor)
            own = copied(tensor)
            value = self._value(tuple(own.shape), own.dtype, "input", True, False, name=path)
            self._given[value.index] = own
            setattr(own, _MARK, Mark(self, value))
            inputs.append(value)
            return own

        own_args = [mapped(arg, given, f"x[{i}]" if len(args) > 1 else "x") for i, arg in enumerate(args)]
        own_kwargs = {name: mapped(arg, given, name) for name, arg in kwargs.items()}
        with plain_kernels(), torch.no_grad(), self._where.followed(), asked(self._asked), without_gc():
            try:
                with self:
                    result = self._fn(*own_args, **own_kwargs)
            except (InvalidArgument, KeyboardInterrupt):
                raise
            except Exception as error:
                raise NothingEstablished(f"fn raised {type(error).__name__}: {error}") from error
            finally:
                for tensor, before in self._written:
                    tensor.detach().copy_(before)
        results = dict(leaves(result))
        outputs = {path: self._now(tensor) for path, tensor in results.items()}
        self._held.clear()  # their marks lead back here, and such a cycle would stay in memory
        self._given.clear()
        for tensor in results.values():
            tensor.__dict__.pop(_MARK, None)
        results = {path: tensor.detach() for path, tensor in results.items()}
        written = [tensor for tensor, _ in self._written]
        return Program(
            inputs=tuple(inputs),
            nodes=self.nodes,
            values=self.values,
            outputs=outputs,
            departures=self.departures,
            results=results,
            written=written,
            shared=self._shared,
            gaps=self._gaps,
        )

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from wrapping the method below, which takes longer than the method itself."""
        return False

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        studied = self._kinds.get(id(op))  # an operation hashes slowly
        if studied is None:
            if isinstance(op, HigherOrderOperator):
                return self._plainly(op, args, kwargs or {})
            studied = self._study(op)
        kind, call = studied
        if kind != _OTHER:
            return self._run(op, call, args, kwargs or {}, None, kind == _VIEW)
        traits, kwargs = self._traits[op], kwargs or {}
        if traits.refused:
            raise InvalidArgument(f"read: {op} cannot be recorded: {traits.refused}.")
        if traits.filler:
            return self._filled(op, traits, args, kwargs)
        if traits.reshapes:
            return self._reshaped(op, traits, args, kwargs)
        if traits.writes or traits.writes_out:
            return self._written_by(op, traits, args, kwargs)
        decomposition = None if traits.by_value else decomposition_of(op)
        if decomposition is not None:
            with self:
                result = decomposition(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return self._run(op, call, args, kwargs, traits, False)

    def _plainly(self, op: HigherOrderOperator, args: Any, kwargs: Any) -> Any:
        """Run an operation that takes functions, such as flex attention, without a compiler."""
        plain = op.py_kernels.get(DispatchKey.CompositeExplicitAutograd)
        if plain is None:
            raise InvalidArgument(
                f"read: {op.name()} cannot be recorded: PyTorch runs it only in a compiler."
            )
        with self:
            return plain(*args, **kwargs)

    def _study(self, op: Any) -> tuple[int, Callable[..., Any]]:
        """Return how an operation is recorded, and what runs it."""
        traits = self._traits[op] = traits_of(op)
        other = (
            traits.refused
            or traits.filler
            or traits.reshapes
            or traits.writes
            or traits.writes_out
            or traits.by_value
            or traits.random
            or decomposition_of(op) is not None
        )
        studied = self._kinds[id(op)] = _OTHER if other else _VIEW if traits.views else _PLAIN, called(op)
        return studied

    def _run(
        self, op: Any, call: Callable[..., Any], args: Any, kwargs: Any, traits: Traits | None, views: bool
    ) -> Any:
        """Run an operation and record it; without ``traits``, it depends only on its arguments."""
        reads: list[Value] = []
        if op is aten.as_strided.default:
            if not fills_memory(args[0]):
                return self._at_places(args, kwargs)
            args = (self._in_memory_order(args[0]), *args[1:])
        own_args = self._arguments(args, reads)
        own_kwargs = self._named(kwargs, reads) if kwargs else kwargs
        result = call(*args, **kwargs) if kwargs else call(*args)
        known = True
        varies = False
        for value in reads:
            if not value.known:
                known = False
                if value.varies:
                    varies = True
                    break
        if traits is not None:
            if traits.by_value and not known and self._by_value(op, args):
                self._depart(reads[-1], str(op.overloadpacket.__name__), result)
            known = known and not traits.random
        takes_numbers = self._numbers.seen and self._numbers.taken_by(op, args, kwargs)
        known = known and not takes_numbers
        outputs: list[Value | None] = []
        node = Node(op, own_args, own_kwargs, reads, outputs, False, self._where.now(3), known)
        node.takes_numbers = takes_numbers
        if traits is not None:
            node.random = traits.random
        self.nodes.append(node)
        parent = None
        views = views and isinstance(args[0], Tensor)  # PyTorch hands a number over as itself
        if views:
            parent = self._mark(args[0])
        values = self.values
        if result.__class__ is Tensor or isinstance(result, Tensor):
            node.single = True
            value = Value(len(values), tuple(result.shape), result.dtype, "computed", varies, known)
            values.append(value)
            outputs.append(value)
            result.__dict__[_MARK] = Mark(self, value, parent, node if views else None)
        elif isinstance(result, list | tuple):
            for item, each in enumerate(result):
                if isinstance(each, Tensor):
                    value = self._value(tuple(each.shape), each.dtype, "computed", varies, known)
                    each.__dict__[_MARK] = Mark(self, value, parent, node if views else None, item)
                    outputs.append(value)
                else:
                    outputs.append(None)
        return result

    def _in_memory_order(self, tensor: Tensor) -> Tensor:
        """Return a view of a tensor whose axes are in the order of memory, as a strided view needs it."""
        strides = tensor.stride()
        order = sorted(range(tensor.dim()), key=lambda axis: -strides[axis])
        if not tensor.is_contiguous():
            tensor = cast("Tensor", self.__torch_dispatch__(aten.permute.default, (), (tensor, order)))
        return tensor

    def _at_places(self, args: Any, kwargs: Any) -> Tensor:
        """Record which entries a strided view reads of a tensor with gaps, or whose entries share memory.

        What lies in a gap may be any number.
        """
        tensor: Tensor = args[0]
        result: Tensor = aten.as_strided.default(*args, **kwargs)
        mark, shape, wanted = self._mark(tensor), tuple(result.shape), places(result)
        self._note_shared(mark.root)
        entries, inside = entries_at(tensor, wanted)
        held = mark.current(self._emit)
        value = self._emit(aten.take.default, (held, self._constant(entries)), {}, shape)
        parent: Mark | None = mark
        if not inside.all():
            gaps, numbers = wanted[~inside].unique(return_inverse=True)
            memory = result.new_empty(0).set_(tensor.untyped_storage())[gaps.to(tensor.device)]
            gap = self._value(tuple(gaps.shape), tensor.dtype, "parameter", False, False, memory)
            self._gaps.append(gap)
            at = torch.zeros(shape, dtype=torch.int64)
            at[~inside] = numbers
            around = self._emit(aten.take.default, (gap, self._constant(at)), {}, shape)
            value = self._emit(aten.where.self, (self._constant(inside), value, around), {}, shape)
            value.dtype, parent = tensor.dtype, None
        setattr(result, _MARK, Mark(self, value, parent, self.nodes[-1] if parent else None))
        return result

    def _constant(self, tensor: Tensor) -> Value:
        return self._value(tuple(tensor.shape), tensor.dtype, "constant", False, True, tensor)

    def _note_shared(self, root: Mark) -> None:
        """Note an input that is read as memory although its entries share memory."""
        own = self._given.get(root.value.index)
        numbers = None if own is None else shared_places(own)
        if numbers is not None:
            self._shared[root.value.name] = numbers

    def _arguments(self, args: Any, reads: list[Value]) -> tuple[Any, ...]:
        own = []
        for arg in args:
            kind = arg.__class__
            if kind is Tensor or (kind not in _PYTHON and isinstance(arg, Tensor)):
                mark = arg.__dict__.get(_MARK)
                if mark is None or mark.recorder is not self:
                    arg = self._now(arg)
                elif mark.owner is None or mark.seen == mark.owner.version:
                    arg = mark.value
                else:
                    arg = mark.current(self._emit)
                reads.append(arg)
            elif kind is list or kind is tuple:
                arg = list(arg if arg and arg[0].__class__ is int else self._arguments(arg, reads))
            own.append(arg)
        return tuple(own)

    def _named(self, kwargs: dict[str, Any], reads: list[Value]) -> dict[str, Any]:
        return dict(zip(kwargs, self._arguments(kwargs.values(), reads), strict=True))

    def _now(self, tensor: Tensor) -> Value:
        """Return the value that a tensor holds."""
        return self._mark(tensor).current(self._emit)

    def _mark(self, tensor: Tensor) -> Mark:
        mark = cast("Mark | None", tensor.__dict__.get(_MARK))
        if mark is not None and mark.recorder is self:
            return mark
        held = self._held.get(id(tensor))
        if held is not None:
            return held[1]
        return self._hold(tensor)

    def _hold(self, tensor: Tensor) -> Mark:
        """Take a tensor that existed before, or that was made outside of recorded operations."""
        self._check(tensor)
        if any(_share(tensor, other) for other, _ in self._written):
            raise InvalidArgument(_TWICE)
        parameter = isinstance(tensor, nn.Parameter)
        source: Source = "parameter" if parameter else "constant"
        value = self._value(tuple(tensor.shape), tensor.dtype, source, False, not parameter, tensor)
        if self._numbers.seen and id(tensor) not in self._before and self._numbers.may_be_in(tensor):
            value.known, value.varies = False, True  # the tensor may contain a number that Python saw
        mark = Mark(self, value)
        self._held[id(tensor)] = tensor, mark
        return mark

    def _value(
        self,
        shape: tuple[int, ...],
        dtype: torch.dtype,
        source: Source,
        varies: bool,
        known: bool,
        tensor: Tensor | None = None,
        name: str = "",
    ) -> Value:
        value = Value(len(self.values), shape, dtype, source, varies, known, tensor, name)
        self.values.append(value)
        return value

    def _emit(
        self,
        op: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        shape: tuple[int, ...],
        item: int | None = None,
    ) -> Value:
        """Add an operation that PyTorch did not run itself; return its result, or its result ``item``."""
        reads = [arg for arg in args if isinstance(arg, Value)]
        dtype = kwargs.get("dtype") or (reads[0].dtype if reads else torch.get_default_dtype())
        varies, known = any(value.varies for value in reads), all(value.known for value in reads)
        value = self._value(shape, dtype, "computed", varies, known)
        outputs: list[Value | None] = [None] * (item or 0) + [value]
        self.nodes.append(Node(op, args, kwargs, reads, outputs, item is None, self._where.now(3), known))
        return value

    def _filled(self, op: Any, traits: Traits, args: Any, kwargs: Any) -> Any:
        """Record a new constant tensor that takes only its shape from another tensor."""
        result = op(*args, **kwargs)
        fill: Any = {"zeros": 0, "ones": 1, "nothing": None}.get(traits.filler)
        if traits.filler == "second":
            fill = args[1] if len(args) > 1 else kwargs["fill_value"]
        elif traits.filler == "third":
            fill = args[2] if len(args) > 2 else kwargs["fill_value"]
        takes_number = self._numbers.seen and self._numbers.taken_by(op, args, kwargs)
        value = self._full(result, fill, takes_number)
        setattr(result, _MARK, Mark(self, value))
        return result

    def _full(self, like: Tensor, fill: Any, takes_number: bool) -> Value:
        """Record a tensor of one number; ``takes_number``: Python may have seen this number."""
        shape, options = tuple(like.shape), {"dtype": like.dtype, "device": like.device}
        if fill is None:
            value = self._emit(aten.empty.memory_format, (list(shape),), options, shape)
            value.known = self.nodes[-1].known = False
            return value
        value = self._emit(aten.full.default, (list(shape), fill), options, shape)
        if takes_number:
            value.known = self.nodes[-1].known = False
            self.nodes[-1].takes_numbers = True
        return value

    def _reshaped(self, op: Any, traits: Traits, args: Any, kwargs: Any) -> Any:
        """Record an operation such as ``unsqueeze_``, which makes a tensor a view of itself."""
        tensor, *rest = args
        before = self._mark(tensor)
        op(*args, **kwargs)
        view = traits.functional
        value = self._emit(view, (before.current(self._emit), *rest), kwargs, tuple(tensor.shape))
        setattr(tensor, _MARK, Mark(self, value, before, self.nodes[-1]))
        return tensor

    def _written_by(self, op: Any, traits: Traits, args: Any, kwargs: Any) -> Any:
        """Record the writes of an operation as results, and let the written tensors hold these results."""
        targets = [args[number] for number in traits.writes if number < len(args)]
        targets += [kwargs[name] for name in traits.writes_out if kwargs.get(name) is not None]
        targets = [
            each for target in targets for each in (target if isinstance(target, list | tuple) else [target])
        ]
        targets = [target for target in targets if target is not None]
        for target in targets:
            self._save(target)
        name = op.overloadpacket.__name__
        if name in ("copy_", "fill_", "zero_"):
            return self._overwritten(op, name, args, kwargs)
        reads: list[Value] = []
        named = {key: value for key, value in kwargs.items() if key not in traits.writes_out}
        own_args, own_kwargs = self._arguments(args, reads), self._named(named, reads)
        if traits.functional is not None:
            own_args += _defaults(op, traits.functional, len(own_args), own_kwargs)
        shapes = [target.shape for target in targets]
        result = op(*args, **kwargs)
        takes_numbers = self._numbers.seen and self._numbers.taken_by(op, args, kwargs)
        known = all(value.known for value in reads) and not traits.random and not takes_numbers
        varies = any(value.varies for value in reads)
        outputs: list[Value | None] = []
        node = Node(
            traits.functional or op, own_args, own_kwargs, reads, outputs, False, self._where.now(3), known
        )
        node.takes_numbers = takes_numbers
        node.random = traits.random
        if traits.functional is None:
            if traits.writes_out:
                raise InvalidArgument(f"read: {op} cannot be recorded: no operation returns its writes.")
            node.writes = tuple(number for number in traits.writes if number < len(args))
            node.writes = tuple(number for number in node.writes if args[number] is not None)
            results = [result] if isinstance(result, Tensor) else list(result or ())
            for each in results:
                fresh = isinstance(each, Tensor) and not any(each is target for target in targets)
                outputs.append(None)
                if fresh:
                    value = self._value(tuple(each.shape), each.dtype, "computed", varies, known)
                    setattr(each, _MARK, Mark(self, value))
                    outputs[-1] = value
        else:
            node.single = len(targets) == 1
        self.nodes.append(node)
        for target, shape in zip(targets, shapes, strict=True):
            value = self._value(tuple(target.shape), target.dtype, "computed", varies, known)
            outputs.append(value)
            if traits.functional is not None and _may_cast(traits, target, reads):
                value.dtype = torch.bool if traits.casts else reads[-1].dtype
                options = {"dtype": target.dtype}
                value = self._emit(aten._to_copy.default, (value,), options, value.shape)
            if target.shape == shape:
                self._mark(target).write(value, self._emit)
            else:  # resized to hold the result
                setattr(target, _MARK, Mark(self, value))
        return result

    def _overwritten(self, op: Any, name: str, args: Any, kwargs: Any) -> Any:
        """Record ``copy_``, ``fill_`` and ``zero_``, which do not read the previous entries."""
        target = args[0]
        source = args[1] if len(args) > 1 else 0
        value = self._now(source) if isinstance(source, Tensor) else None
        op(*args, **kwargs)
        shape = tuple(target.shape)
        if value is None:
            value = self._full(target, source, self._numbers.seen and self._numbers.taken_by(op, args, {}))
        else:
            if value.shape != shape:
                value = self._emit(aten.expand.default, (value, list(shape)), {}, shape)
            if value.dtype != target.dtype:
                dtype = value.dtype
                value = self._emit(aten._to_copy.default, (value,), {"dtype": target.dtype}, shape)
                assert dtype != value.dtype
        self._mark(target).write(value, self._emit)
        return target

    def _save(self, target: Tensor) -> None:
        """Keep the entries of an existing tensor before the first write into it."""
        root = self._mark(target).root
        for tensor, mark in self._held.values():
            if mark is root and all(tensor is not saved for saved, _ in self._written):
                others = (other for other, _ in self._held.values() if other is not tensor)
                if any(_share(tensor, other) for other in others):
                    raise InvalidArgument(_TWICE)
                self._written.append((tensor, tensor.detach().clone()))
                mark.value.tensor = self._written[-1][1]

    def _by_value(self, op: Any, args: Any) -> bool:
        """Whether values decide the shape of the result; among indices, only truth values do."""
        if op.overloadpacket.__name__ in ("index", "index_put"):
            return any(
                isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8) for index in args[1]
            )
        return True

    def _depart(self, value: Value, kind: str, result: Any) -> None:
        steers = not isinstance(result, int | float) or isinstance(result, bool)
        if not steers:
            self._numbers.saw(result)
        self.departures.append(Departure(value, len(self.nodes), self._where.now(2), kind, steers))

    def _asked(self, tensor: Tensor, kind: str) -> None:
        """Note that Python reads the entries of a tensor outside of recorded operations."""
        mark = cast("Mark | None", tensor.__dict__.get(_MARK))
        if mark is None or mark.recorder is not self:
            return
        value = mark.current(self._emit)
        if not value.known:
            self._numbers.saw(None)
            self.departures.append(Departure(value, len(self.nodes), self._where.now(2), kind, False))

    def _check(self, tensor: Tensor) -> None:
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_nested:
            raise InvalidArgument(
                "read: sparse, nested and quantised tensors cannot be recorded; use dense tensors."
            )


def _defaults(op: Any, functional: Any, given: int, named: dict[str, Any]) -> tuple[Any, ...]:
    """Return the arguments that have a default in ``op`` and none in ``functional``."""
    left = zip(op._schema.arguments[given:], functional._schema.arguments[given:], strict=False)
    return tuple(
        ours.default_value
        for ours, theirs in left
        if ours.has_default_value() and not theirs.has_default_value() and ours.name not in named
    )


def _may_cast(traits: Traits, target: Tensor, reads: list[Value]) -> bool:
    """Whether the result of a functional operation may have another dtype than the written tensor."""
    return (traits.casts and target.dtype != torch.bool) or any(
        value.dtype != target.dtype and value.dtype.is_floating_point and value.shape for value in reads
    )


def _share(one: Tensor, other: Tensor) -> bool:
    return one is not other and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr() != 0


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Run fused or compiled operations as plain operations that draw the same random numbers."""
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng())
        seed_torch()
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        compiles = sys.modules.keys() & {"torch._dynamo", "torch.nn.attention.flex_attention"}
        if compiles and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield
