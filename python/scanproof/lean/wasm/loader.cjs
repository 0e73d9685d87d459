// Runs Lean compiled to WebAssembly:  node loader.cjs '{"sysroot", "path", "mounts"}' LEAN_ARGUMENT…
// Host folders appear to Lean under their own paths.
'use strict';
const fs = require('fs'), path = require('path'), vm = require('vm');

const {sysroot, path: leanPath, mounts} = JSON.parse(process.argv[2]);
const script = path.join(sysroot, 'lean.js');

// This build echoes its input file and traces its steps on the standard output; pass on only what Lean means to say.
let echoing = false;
function isNoise(line) {
  const traced = line.startsWith('[DEBUG:');
  if (traced) echoing = line.startsWith('[DEBUG:F] Input file content');
  return traced || echoing || line.startsWith('  - ') || line.startsWith('  mainModule? = ');
}

// Standard input, byte by byte. A pipe may be in non-blocking mode, where "nothing yet" is not the end.
const chunk = Buffer.alloc(65536);
let filled = 0, used = 0;
function nextByte() {
  while (used === filled) {
    try {
      filled = fs.readSync(0, chunk);
      used = 0;
      if (filled === 0) return null;
    } catch (error) {
      if (error.code === 'EOF') return null;
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  return chunk[used++];
}

globalThis.require = require;
globalThis.module = undefined;
globalThis.__filename = script;
globalThis.__dirname = sysroot;
globalThis.Module = {
  arguments: process.argv.slice(3),
  thisProgram: path.join(sysroot, 'bin', 'lean'),
  locateFile: name => path.join(sysroot, name),
  stdin: nextByte,
  print: line => { if (!isNoise(line)) fs.writeSync(1, line + '\n'); },
  preRun: [() => {
    for (const root of [sysroot, ...mounts]) {
      FS.mkdirTree(root);
      FS.mount(NODEFS, {root}, root);
    }
    FS.chdir(process.cwd());
    Object.assign(ENV, {LEAN_SYSROOT: sysroot, LEAN_PATH: leanPath.join(':'), LLVM_PROFILE_FILE: '/dev/null'});
  }],
};
vm.runInThisContext(fs.readFileSync(script, 'utf8'), {filename: script});
