// Loads Lean compiled to WebAssembly into this thread. It sees the folders `sysroot` and `folder` under their own
// paths, works in `folder`, and finds modules there besides its own.
'use strict';
const fs = require('fs'), path = require('path'), vm = require('vm');

// This build traces its steps and echoes its input file on the console; what Lean says itself goes another way.
console.log = () => {};

// `streams` are functions read(stream, heap, offset, length) and write(…) for standard input and output; `settings`
// go into emscripten's Module.
exports.load = ({sysroot, folder}, {read, write}, settings) => {
  const script = path.join(sysroot, 'lean.js');
  globalThis.require = require;
  globalThis.module = undefined;
  globalThis.__filename = script;
  globalThis.__dirname = sysroot;
  const {onRuntimeInitialized} = settings;
  globalThis.Module = {
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
    ...settings,
    onRuntimeInitialized: () => {
      if (read) FS.getStream(0).stream_ops = {...FS.getStream(0).stream_ops, read};
      FS.getStream(1).stream_ops = {...FS.getStream(1).stream_ops, write};
      onRuntimeInitialized?.();
    },
  };
  vm.runInThisContext(fs.readFileSync(script, 'utf8'), {filename: script});
};
