"use strict";
const MEANING = {
  "#": "reads a later input", "+": "reads an input that it may", ".": "may read it, and does not",
  " ": "may not read it, and does not",
};
const number = (value) => (typeof value === "string" ? Number(value) : value);

/* From the least gradient to the greatest, on a logarithmic scale; leaks in red, what may be read in blue. */
const shade = (share, kind, dark) => {
  const hue = kind === "#" ? 8 : 215;
  return `hsl(${hue} 75% ${dark ? 22 + 50 * share : 88 - 50 * share}%)`;
};

const written = JSON.parse(document.getElementById("document").textContent);
document.getElementById("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(written)], { type: "application/json" }));
  link.download = "scanproof-report.json";
  link.click();
  URL.revokeObjectURL(link.href);
});

class LeakageMap {
  constructor(box) {
    this.data = written.reports[box.dataset.report].leakage;
    this.canvas = box.querySelector("canvas");
    this.readout = box.querySelector("output");
    this.rows = this.data.values.length;
    this.columns = this.data.values[0].length;
    const sizes = this.data.values.flat().map(number).filter((v) => v > 0 && Number.isFinite(v)).map(Math.log10);
    this.low = sizes.reduce((a, b) => Math.min(a, b), Infinity);
    this.high = sizes.reduce((a, b) => Math.max(a, b), -Infinity);
    this.cursor = this.worst();
    this.reset();
    for (const [label, action] of [["in", () => this.zoom(0.5)], ["out", () => this.zoom(2)], ["all", () => this.reset()]]) {
      box.querySelector(`[data-zoom=${label}]`).addEventListener("click", () => { action(); this.draw(); });
    }
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerdown", (event) => { this.drag = { x: event.clientX, y: event.clientY, ...this.view }; });
    addEventListener("pointerup", () => { this.drag = null; });
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.point(event);
      this.zoom(event.deltaY < 0 ? 0.8 : 1.25);
      this.draw();
    }, { passive: false });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("theme", () => this.draw());
    this.draw();
    this.describe();
  }

  worst() {
    let best = { row: 0, column: 0, size: -1 };
    this.data.kinds.forEach((line, row) => [...line].forEach((kind, column) => {
      const size = number(this.data.values[row][column]);
      if (kind === "#" && size > best.size) best = { row, column, size };
    }));
    return { row: best.row, column: best.column };
  }

  reset() {
    this.view = { row: 0, column: 0, span: Math.max(this.rows, this.columns) };
    this.clamp();
  }

  /* Change how many cells are shown, keeping the cell under the cursor in its place. */
  zoom(factor) {
    const span = Math.min(Math.max(this.view.span * factor, 4), Math.max(this.rows, this.columns));
    const keep = (cursor, start) => cursor + 0.5 - (cursor + 0.5 - start) * (span / this.view.span);
    this.view = { row: keep(this.cursor.row, this.view.row), column: keep(this.cursor.column, this.view.column), span };
    this.clamp();
  }

  clamp() {
    this.view.row = Math.min(Math.max(this.view.row, 0), Math.max(this.rows - this.view.span, 0));
    this.view.column = Math.min(Math.max(this.view.column, 0), Math.max(this.columns - this.view.span, 0));
    this.canvas.dataset.span = this.view.span;
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const cell = this.view.span / box.width;
    if (this.drag && event.buttons) {
      this.view.row = this.drag.row - (event.clientY - this.drag.y) * cell;
      this.view.column = this.drag.column - (event.clientX - this.drag.x) * cell;
      this.clamp();
    } else {
      this.move(Math.floor(this.view.row + (event.clientY - box.top) * cell),
        Math.floor(this.view.column + (event.clientX - box.left) * cell));
    }
    this.draw();
  }

  move(row, column) {
    this.cursor = {
      row: Math.min(Math.max(row, 0), this.rows - 1), column: Math.min(Math.max(column, 0), this.columns - 1),
    };
    const inside = (at, start) => Math.min(Math.max(start, at + 1 - this.view.span), at);
    this.view.row = inside(this.cursor.row, this.view.row);
    this.view.column = inside(this.cursor.column, this.view.column);
    this.clamp();
    this.describe();
  }

  key(event) {
    const { row, column } = this.cursor;
    const worst = this.worst();
    const actions = {
      ArrowUp: () => this.move(row - 1, column), ArrowDown: () => this.move(row + 1, column),
      ArrowLeft: () => this.move(row, column - 1), ArrowRight: () => this.move(row, column + 1),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), "0": () => this.reset(),
      Home: () => this.move(worst.row, worst.column),
    };
    if (!(event.key in actions) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
    this.draw();
  }

  describe() {
    const { row, column } = this.cursor;
    const range = (at, count) => {
      const first = at * this.data.step;
      const last = Math.min(first + this.data.step, count) - 1;
      return first === last ? `${first}` : `${first}…${last}`;
    };
    const size = number(this.data.values[row][column]);
    this.readout.textContent = `t=${range(row, this.data.outputs)} <- s=${range(column, this.data.inputs)}\n`
      + `gradient ${size === 0 ? "0, exactly" : size.toExponential(3)}\n${MEANING[this.data.kinds[row][column]]}`;
  }

  draw() {
    const side = 640;
    this.canvas.width = this.canvas.height = side;
    const pen = this.canvas.getContext("2d");
    const dark = isDark();
    const cell = side / this.view.span;
    const top = Math.floor(this.view.row), left = Math.floor(this.view.column);
    for (let row = top; row < Math.min(this.rows, top + this.view.span + 1); row += 1) {
      for (let column = left; column < Math.min(this.columns, left + this.view.span + 1); column += 1) {
        const size = number(this.data.values[row][column]);
        const kind = this.data.kinds[row][column];
        if (size === 0 || (kind !== "#" && kind !== "+")) continue;
        const share = Number.isFinite(size) ? (Math.log10(size) - this.low) / (this.high - this.low || 1) : 1;
        pen.fillStyle = shade(share, kind, dark);
        pen.fillRect((column - this.view.column) * cell, (row - this.view.row) * cell, cell + 0.5, cell + 0.5);
      }
    }
    pen.strokeStyle = dark ? "#e4e8ee" : "#1c2128";
    pen.lineWidth = 2;
    pen.strokeRect((this.cursor.column - this.view.column) * cell, (this.cursor.row - this.view.row) * cell, cell, cell);
  }
}

for (const box of document.querySelectorAll(".map")) new LeakageMap(box);
