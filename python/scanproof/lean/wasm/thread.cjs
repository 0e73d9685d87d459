// One Lean in a thread of checker.cjs: checks the files that are sent to it, one after the other.
'use strict';
const {parentPort, workerData} = require('worker_threads');
const {load} = require('./load.cjs');

class Exit {
  constructor(code) {
    this.code = code;
  }
}

let output = [], noted = '';

function write(stream, heap, offset, length) {
  output.push(Buffer.from(heap.slice(offset, offset + length)));
  return length;
}

// Lean ends a run by leaving the process; here the run alone ends.
function instantiate(imports, receive) {
  const {env} = imports;
  for (const name of ['exit', 'proc_exit']) {
    const {sig} = env[name];
    env[name] = Object.assign(code => { throw new Exit(code); }, {sig});
  }
  receive(new WebAssembly.Instance(workerData.compiled, imports), workerData.compiled);
}

// Lean's objects, which are never freed.
const BOXED_ZERO = 1;

function text(string) {
  const size = lengthBytesUTF8(string) + 1, bytes = wasmExports.malloc(size);
  stringToUTF8(string, bytes, size);
  const object = wasmExports.lean_mk_string(bytes);
  wasmExports.free(bytes);
  return object;
}

function constructor(tag, ...fields) {
  const object = wasmExports.malloc(8 + 4 * fields.length);
  updateMemoryViews();
  HEAP32.set([0, fields.length << 16 | tag << 24, ...fields], object >> 2); // 0 references: it is never freed
  return object;
}

// The value that an IO action returned.
function value(result) {
  updateMemoryViews();
  if (HEAPU8[result + 7] !== 0) {
    wasmExports.lean_io_result_show_error(result);
    throw new Error('Lean did not start');
  }
  return HEAPU32[result + 8 >> 2];
}

// What the main function of Lean's own command does, up to its options.
function start() {
  wasmExports._ZN4lean11initializerC1Ev(wasmExports.malloc(8));
  value(wasmExports.lean_init_search_path());
  wasmExports.lean_io_mark_end_initialization();
  wasmExports.lean_init_task_manager();
}

function check({file, options, olean, ilean}) {
  const flags = [['J'], ...Object.entries(options).map(([name, value]) => ['D', `${name}=${value}`])];
  if (olean) flags.push(['o', olean], ['i', ilean]);
  let settings = wasmExports.lean_shell_options_mk(BOXED_ZERO);
  for (const [flag, argument] of flags) {
    const given = argument === undefined ? BOXED_ZERO : constructor(1, text(argument));
    settings = value(wasmExports.lean_shell_options_process(settings, flag.charCodeAt(0), given));
  }
  const stack = stackSave();
  try {
    wasmExports.lean_shell_main(constructor(1, text(file), BOXED_ZERO), settings);
    throw new Error('Lean returned');
  } catch (end) {
    if (!(end instanceof Exit)) throw end;
    stackRestore(stack);
    return end.code;
  }
}

function run(job) {
  output = [];
  noted = '';
  let code;
  try {
    code = check(job);
  } catch (error) {
    if (error !== 'unwind') throw new Error(`${noted}${error.message ?? error}`);
    // Lean waits for a thread that failed, which will throw here; it says why.
    setTimeout(() => { throw new Error('Lean stopped'); }, 10_000);
    return;
  }
  _fflush(0);
  const megabytes = wasmMemory.buffer.byteLength / 2 ** 20;
  parentPort.postMessage({code, output: Buffer.concat(output).toString(), noted, megabytes});
}

load(workerData, {write}, {
  noInitialRun: true,
  noExitRuntime: true,
  printErr: text => { noted = `${noted}${text}\n`.slice(-1000); },
  instantiateWasm: instantiate,
  onRuntimeInitialized: () => {
    start();
    parentPort.on('message', run);
  },
});
