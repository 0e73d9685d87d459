import pytest

from lean.script import LOOKUP, SCRIPT
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.patch import patch


def test_exports_that_are_used_remain() -> None:
    patched = patch(SCRIPT)
    assert "var _main,_free,wasmTable;function assignWasmExports(wasmExports){" in patched
    assert '{_main=Module["_main"]=wasmExports["main"];_free=wasmExports["free"];wasmTable=' in patched
    assert "_unused" not in patched
    assert patched.startswith("var Module=1;var runs=_main;")
    assert patched.endswith("}function f(){_free(wasmTable)}")


def test_symbols_are_looked_up_by_name() -> None:
    patched = patch(SCRIPT)
    assert "newSymIndex" not in patched
    assert "result=lib.exports[symbol]??wasmExports[symbol];if(!result||result.stub){return 0}" in patched


def test_only_imported_symbols_get_an_offset() -> None:
    patched = patch(SCRIPT)
    assert "Object.entries(exports)" not in patched
    assert "new WebAssembly.Global" not in patched
    assert "if(GOT[symName])GOT[symName].value=newValue;" in patched


@pytest.mark.parametrize(
    "script",
    [
        SCRIPT.replace("indexOf(symbol)", "at(symbol)"),
        SCRIPT + LOOKUP,
        SCRIPT.replace("Object.entries(exports)", "exports"),
        SCRIPT.replace("GOT[symName]??=", "GOT[symName]="),
        SCRIPT.replace("pthreadPoolSize=4", "pthreadPoolSize=8"),
        SCRIPT.replace("assignWasmExports(wasmExports)", "assignExports(wasmExports)"),
        SCRIPT.replace("_main,_unused", "_main=0,_unused"),
        "",
    ],
)
def test_another_script_is_refused(script: str) -> None:
    with pytest.raises(LeanUnavailable, match=r"cannot run the downloaded lean\.js"):
        patch(script)
