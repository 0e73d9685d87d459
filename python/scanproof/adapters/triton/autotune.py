"""The autotuner, which takes a configuration by its number in place of the fastest one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from triton.runtime.autotuner import Autotuner

from scanproof.adapters.triton.watch import Watch


@contextmanager
def chosen(watch: Watch) -> Iterator[None]:
    """Let autotuners take the configuration that ``watch`` names; nothing is timed."""

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.nargs = dict(zip(self.arg_names, args, strict=False))
        different: dict[str, Any] = {}
        for config in self.prune_configs(kwargs):
            different.setdefault(_shown(config), config)
        name = self.base_fn.__name__
        watch.configurations[name] = tuple(different)
        number = watch.configuration if watch.only in (None, name) else 0
        config = list(different.values())[number % len(different)]
        self.best_config = config
        if config.pre_hook is not None:
            config.pre_hook({**self.nargs, **kwargs, **config.all_kwargs()})
        try:
            return self.fn.run(*args, **kwargs, **config.all_kwargs())
        finally:
            self.nargs = None

    with patch.object(Autotuner, "run", run):
        yield


def _shown(config: Any) -> str:
    """Return what the source of the kernel sees of a configuration: no warps, no stages."""
    return ", ".join(f"{name}={value}" for name, value in config.kwargs.items())
