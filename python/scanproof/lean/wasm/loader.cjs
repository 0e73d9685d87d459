// Runs Lean compiled to WebAssembly:  node loader.cjs '{"sysroot": PATH, "folder": PATH}' LEAN_ARGUMENT…
// It sees the two folders under their own paths, and finds modules in `folder` besides its own.
'use strict';
const fs = require('fs'), path = require('path'), v8 = require('v8'), vm = require('vm');

// Optimise code later than by default: most of it does not run long enough to repay that (a tenth less processor time).
v8.setFlagsFromString('--wasm-tiering-budget=50000000');

const {sysroot, folder} = JSON.parse(process.argv[2]);
const script = path.join(sysroot, 'lean.js');

// This build traces its steps and echoes its input file on the console; what Lean says itself goes another way.
console.log = () => {};

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

globalThis.require = require;
globalThis.module = undefined;
globalThis.__filename = script;
globalThis.__dirname = sysroot;
globalThis.Module = {
  arguments: process.argv.slice(3),
  thisProgram: path.join(sysroot, 'bin', 'lean'),
  locateFile: name => path.join(sysroot, name),
  preRun: [() => {
    for (const root of [sysroot, folder]) {
      FS.mkdirTree(root);
      FS.mount(NODEFS, {root}, root);
    }
    FS.chdir(folder);
    Object.assign(ENV, {
      LEAN_SYSROOT: sysroot,
      LEAN_PATH: `${path.join(sysroot, 'lib', 'lean')}:${folder}`,
      LLVM_PROFILE_FILE: '/dev/null',
    });
  }],
  onRuntimeInitialized: () => {
    FS.getStream(0).stream_ops = {...FS.getStream(0).stream_ops, read};
    FS.getStream(1).stream_ops = {...FS.getStream(1).stream_ops, write};
  },
};
vm.runInThisContext(fs.readFileSync(script, 'utf8'), {filename: script});
