import pytest

from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.patch import patch

SCRIPT = (
    "var Module=1;var runs=_main;var pthreadPoolSize=4;"
    "newSymIndex=Object.keys(lib.exports).indexOf(symbol);"
    "var _main,_unused,_free,wasmTable;function assignWasmExports(wasmExports){"
    '_main=Module["_main"]=wasmExports["main"];_unused=Module["_unused"]=wasmExports["unused"];'
    '_free=wasmExports["free"];wasmTable=wasmExports["table"]}function f(){_free(wasmTable)}'
)


def test_exports_that_are_used_remain() -> None:
    patched = patch(SCRIPT)
    assert "var _main,_free,wasmTable;function assignWasmExports(wasmExports){" in patched
    assert '{_main=Module["_main"]=wasmExports["main"];_free=wasmExports["free"];wasmTable=' in patched
    assert "_unused" not in patched
    assert patched.startswith("var Module=1;var runs=_main;")
    assert patched.endswith("}function f(){_free(wasmTable)}")


def test_symbols_are_looked_up_in_a_map() -> None:
    patched = patch(SCRIPT)
    assert "indexOf(symbol)" not in patched
    assert "new Map(Object.keys(lib.exports)" in patched


@pytest.mark.parametrize(
    "script",
    [
        SCRIPT.replace("indexOf(symbol)", "at(symbol)"),
        SCRIPT + "newSymIndex=Object.keys(lib.exports).indexOf(symbol);",
        SCRIPT.replace("pthreadPoolSize=4", "pthreadPoolSize=8"),
        SCRIPT.replace("assignWasmExports(wasmExports)", "assignExports(wasmExports)"),
        SCRIPT.replace("_main,_unused", "_main=0,_unused"),
        "",
    ],
)
def test_another_script_is_refused(script: str) -> None:
    with pytest.raises(LeanUnavailable, match="not the one that scanproof knows"):
        patch(script)
