"""Every access of memory, checked and recorded before it is made."""
# ruff: noqa: D102 (the names and meanings are Triton's)

from typing import Any

import numpy as np
import triton.language as tl
from numpy.typing import NDArray
from triton._C.libtriton import ir
from triton.runtime import interpreter as stock

from scanproof.adapters.triton import fills
from scanproof.adapters.triton.arithmetic import narrowed, widened
from scanproof.adapters.triton.launch import ATOMIC, READ, WRITE, Launch
from scanproof.adapters.triton.pointers import PointerBuilder
from scanproof.adapters.triton.regions import Region
from scanproof.adapters.triton.rounded import Handle, is_bfloat16, refuse_float8
from scanproof.errors import NothingEstablished

_WAITS = 100_000
"""Updates of one scalar in one program, above which the program waits for another one for ever."""


class CheckedBuilder(PointerBuilder):
    """The operations of a kernel, with every access of memory checked.

    Attributes:
        launch: the launch that runs; None between launches.
    """

    launch: Launch | None = None
    _waits: int = 0

    def create_masked_load(
        self, ptrs: Any, mask: Any, other: Any, cache_policy: Any, is_volatile: Any
    ) -> Any:
        return self._load(ptrs, mask, other, atomic=False)

    def create_masked_store(self, ptrs: Any, value: Any, mask: Any, cache_policy: Any) -> Any:
        self._store(ptrs, value, mask, atomic=False)

    def create_atomic_load(self, ptr: Any, mask: Any, sem: Any, scope: Any) -> Any:
        return self._load(ptr, mask, None, atomic=True)

    def create_atomic_store(self, ptr: Any, val: Any, mask: Any, sem: Any, scope: Any) -> Any:
        self._store(ptr, val, mask, atomic=True)

    def create_atomic_cas(self, ptr: Any, cmp: Any, val: Any, sem: Any, scope: Any) -> Any:
        mask = np.ones(ptr.data.shape, bool)
        permitted, regions = self._access(ATOMIC, ptr, mask)
        if not permitted.all():
            return cmp
        self._updated(ptr, permitted, regions)
        return super().create_atomic_cas(ptr, cmp, val, sem, scope)

    def create_atomic_rmw(self, rmwOp: Any, ptr: Any, val: Any, mask: Any, sem: Any, scope: Any) -> Any:
        wanted = np.broadcast_to(mask.data.astype(bool), ptr.data.shape)
        permitted, regions = self._access(ATOMIC, ptr, wanted)
        self._updated(ptr, permitted, regions)
        launch = self._running()
        launch.atomic_floats |= bool(rmwOp == ir.ATOMIC_OP.FADD and permitted.any())
        if is_bfloat16(val):
            return self._add_bfloat16(rmwOp, ptr, val, permitted)
        return super().create_atomic_rmw(rmwOp, ptr, val, Handle(permitted, tl.int1), sem, scope)

    def _add_bfloat16(self, operation: Any, ptr: Any, val: Any, mask: NDArray[np.bool_]) -> Any:
        if operation != ir.ATOMIC_OP.FADD:
            raise NothingEstablished(
                f"a kernel calls an atomic {operation} on bfloat16, which the interpreter cannot run."
            )
        old = np.zeros(ptr.data.shape, np.uint16)
        for index in np.ndindex(ptr.data.shape):  # lanes may share an entry
            if mask[index]:
                at, here = ptr.data[index].reshape(1), np.ones(1, bool)
                old[index] = _read(at, here, np.zeros(1, np.uint16))[0]
                added = narrowed(widened(old[index]) + widened(val.data[index]))
                stock._interpreter.store(at, np.asarray(added).reshape(1), here)
        return Handle(old, tl.bfloat16)

    def _updated(self, ptr: Any, permitted: NDArray[np.bool_], regions: tuple[Region, ...]) -> None:
        self._waits += 1
        if self._waits > _WAITS:
            raise NothingEstablished(
                "a program of the grid waits for a program that runs after it; such kernels cannot be run "
                "one program after another in this order."
            )
        self._running().update(ptr.data[permitted], regions, scalar=ptr.data.size == 1)

    def _load(self, ptrs: Any, mask: Any, other: Any, *, atomic: bool) -> Any:
        dtype = ptrs.get_element_ty()
        kind = stock._get_np_dtype(dtype)
        wanted = np.broadcast_to(mask.data.astype(bool), ptrs.data.shape)
        permitted, regions = self._access(READ, ptrs, wanted)
        base = np.zeros(ptrs.data.shape, kind) if other is None else other.data
        result = _read(ptrs.data, permitted, np.ascontiguousarray(np.broadcast_to(base, ptrs.data.shape)))
        at = ptrs.data[permitted]
        if atomic:
            self._updated(ptrs, permitted, regions)
        else:
            self._running().read(at, regions)
        unwritten = fills.is_unwritten(result[permitted], dtype.name)
        if unwritten.any():
            self._running().uninitialised(at[unwritten], regions)
        if (refused := wanted & ~permitted).any():
            result = np.where(refused, fills.poison(kind, dtype.name), result).astype(kind)
        return Handle(result, dtype)

    def _store(self, ptrs: Any, value: Any, mask: Any, *, atomic: bool) -> None:
        wanted = np.broadcast_to(mask.data.astype(bool), ptrs.data.shape)
        permitted, regions = self._access(WRITE, ptrs, wanted)
        values = np.ascontiguousarray(np.broadcast_to(value.data, ptrs.data.shape))
        before = _bits(_read(ptrs.data, permitted, values))[permitted]
        written, at = _bits(values)[permitted], ptrs.data[permitted]
        if atomic:
            self._updated(ptrs, permitted, regions)
        else:
            self._running().write(at, before != written, regions)
        stock._interpreter.store(ptrs.data, values, permitted)
        after = _bits(_read(ptrs.data, permitted, values))[permitted]
        if (after != written).any():
            self._running().lanes_differ(at[after != written], regions)

    def _access(
        self, action: str, ptrs: Any, mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], tuple[Region, ...]]:
        element = ptrs.get_element_ty()
        refuse_float8(element)
        regions = ptrs.attr.get("regions", tuple(self._running().regions))
        if not regions:
            raise NothingEstablished(
                "a kernel reads or writes through an address that it has from memory, and not from a tensor "
                "among its arguments; give it the tensor as an argument."
            )
        width = stock._get_np_dtype(element).itemsize
        return self._running().permitted(action, ptrs.data, mask, regions, width)

    def _running(self) -> Launch:
        assert self.launch is not None
        return self.launch

    def begin(self, launch: Launch) -> None:
        """Run a launch from now on."""
        self.launch, self._waits = launch, 0

    def enter(self, program: int, index: tuple[int, int, int]) -> None:
        """Run a program of the launch from now on."""
        self.set_grid_idx(*index)
        self._running().program = program
        self._waits = 0


def _read(addresses: NDArray[np.uint64], mask: NDArray[np.bool_], other: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(stock._interpreter.load(addresses, mask, other, other.dtype))


def _bits(x: NDArray[Any]) -> NDArray[Any]:
    return x.view(f"u{x.dtype.itemsize}")
