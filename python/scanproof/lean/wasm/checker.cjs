// Checks Lean files:  node checker.cjs '{"sysroot": PATH, "folder": PATH, "megabytes": NUMBER}'
// Standard input holds a job on each line, {"file": …, "options": {…}, "olean": …, "ilean": …, "fresh": …}. Jobs are
// done at the same time, and answered on standard output in the order in which they end, a line each:
// {"file": …, "code": …, "output": …, "noted": …, "checked": …}, where "checked" counts the files that the same Lean had
// checked before. One with "fresh" goes to a Lean that has checked none.
//
// Lean is compiled once, and runs in threads that share its code, what V8 has optimised included. A Lean checks file
// after file. Each leaves what it imported in memory, so one that holds `megabytes` makes room for a new one.
'use strict';
const fs = require('fs'), path = require('path'), readline = require('readline');
const {Worker} = require('worker_threads');

const setting = JSON.parse(process.argv[2]);
const compiled = new WebAssembly.Module(fs.readFileSync(path.join(setting.sysroot, 'lean.wasm')));
const idle = [];

class Lean {
  constructor() {
    this.checked = 0;
    this.failure = '';
    this.thread = new Worker(path.join(__dirname, 'thread.cjs'), {
      workerData: {...setting, compiled},
      resourceLimits: {stackSizeMb: 8},
      stdout: true,
      stderr: true,
    });
    this.thread.on('message', result => this.finish(result));
    this.thread.on('error', error => { this.failure = String(error); });
    this.thread.on('exit', code => {
      if (this.file !== undefined) this.answer({code, output: '', noted: this.failure});
    });
  }

  check(job) {
    this.file = job.file;
    this.thread.postMessage(job);
  }

  finish({megabytes, ...result}) {
    this.answer(result);
    this.checked += 1;
    if (megabytes < setting.megabytes) idle.push(this);
    else this.thread.terminate();
  }

  answer(result) {
    process.stdout.write(`${JSON.stringify({file: this.file, checked: this.checked, ...result})}\n`);
    this.file = undefined;
  }
}

function submit(job) {
  const used = idle.pop();
  if (job.fresh) used?.thread.terminate();
  (job.fresh ? new Lean() : used ?? new Lean()).check(job);
}

readline.createInterface({input: process.stdin})
  .on('line', line => submit(JSON.parse(line)))
  .on('close', () => process.exit());
