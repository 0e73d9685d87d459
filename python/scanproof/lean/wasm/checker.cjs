// Checks Lean files:  node checker.cjs '{"sysroot": PATH, "folder": PATH, "megabytes": NUMBER}'
// Standard input holds a job on each line, {"file": …, "options": {…}, "olean": …, "ilean": …}; each is
// checked in a thread of its own, and answered on a line of standard output, in the order in which they end.
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
    this.said = '';
    this.checked = 0;
    this.thread = new Worker(path.join(__dirname, 'thread.cjs'), {
      workerData: {...setting, compiled},
      resourceLimits: {stackSizeMb: 8},
      stdout: true,
      stderr: true,
    });
    for (const stream of [this.thread.stdout, this.thread.stderr]) {
      stream.on('data', text => { this.said = (this.said + text).slice(-1000); });
    }
    this.thread.on('message', answer => this.finish(answer));
    this.thread.on('error', error => { this.said += `\n${error.stack ?? error}`; });
    this.thread.on('exit', status => this.crash(status));
  }

  check(job) {
    this.job = job;
    this.thread.postMessage(job);
  }

  finish({code, output, megabytes}) {
    const {file} = this.job;
    this.job = undefined;
    this.checked += 1;
    if (megabytes < setting.megabytes) idle.push(this);
    else this.thread.terminate();
    answer({file, code, output});
  }

  crash(status) {
    const {job} = this;
    if (job === undefined) return;
    // What an earlier file left behind is no fault of this one.
    if (this.checked > 0) new Lean().check(job);
    else answer({file: job.file, code: status, output: this.said});
  }
}

function answer(text) {
  process.stdout.write(`${JSON.stringify(text)}\n`);
}

readline.createInterface({input: process.stdin})
  .on('line', line => (idle.pop() ?? new Lean()).check(JSON.parse(line)))
  .on('close', () => process.exit());
