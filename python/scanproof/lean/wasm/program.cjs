// Runs Lean as its own command would:  node program.cjs '{"sysroot": PATH, "folder": PATH}' LEAN_ARGUMENT…
'use strict';
const fs = require('fs'), v8 = require('v8');
const {load} = require('./load.cjs');

// Optimise code later than by default: most of it does not run long enough to repay that (a tenth less processor time).
v8.setFlagsFromString('--wasm-tiering-budget=50000000');

// Node may have made the pipes non-blocking: wait until they are ready.
function persistently(operation) {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function write(stream, heap, offset, length) {
  const bytes = Buffer.from(heap.slice(offset, offset + length));
  return persistently(() => fs.writeSync(1, bytes));
}

// One read answers with what is there, so that a line can be answered before the next one is written.
function read(stream, heap, offset, length) {
  return persistently(() => fs.readSync(0, new Int8Array(heap.buffer, offset, length)));
}

load(JSON.parse(process.argv[2]), {read, write}, {arguments: process.argv.slice(3)});
