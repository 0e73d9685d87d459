"""What ``patch`` mends in Lean's script, and what stands around it."""

LOOKUP = (
    "newSymIndex=Object.keys(lib.exports).indexOf(symbol);if(newSymIndex==-1||lib.exports[symbol].stub){"
    'return 0}result=lib.exports[symbol];if(typeof result=="function"){'
    "(growMemViews(),HEAPU32)[symbolIndex>>2]=newSymIndex}"
)
SCRIPT = (
    f"var Module=1;var runs=_main;var pthreadPoolSize=4;{LOOKUP}"
    "for(var[sym,exp]of Object.entries(exports)){}"
    'GOT[symName]??=new WebAssembly.Global({value:"i32",mutable:true});GOT[symName].value=newValue;'
    "var _main,_unused,_free,wasmTable;function assignWasmExports(wasmExports){"
    '_main=Module["_main"]=wasmExports["main"];_unused=Module["_unused"]=wasmExports["unused"];'
    '_free=wasmExports["free"];wasmTable=wasmExports["table"]}function f(){_free(wasmTable)}'
)
