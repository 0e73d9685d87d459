"use strict";
const prose = (text) => text.split("`").map((part, place) => {
  const code = document.createElement("code");
  code.textContent = part;
  return place % 2 ? code : part;
});

const search = document.getElementById("search");
if (search) {
  const found = document.getElementById("found"), all = document.getElementById("all"), count = document.getElementById("count");
  const texts = CATALOGUE.map((one) => `${one.name} ${one.says} ${one.text}`.toLowerCase());
  const rank = (one, words) => words.filter((word) => one.name.toLowerCase().includes(word)).length + (one.kind === "theorem" ? 0.5 : 0);
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    all.hidden = words.length > 0;
    found.hidden = words.length === 0;
    const hits = words.length ? CATALOGUE.filter((_, i) => words.every((word) => texts[i].includes(word))) : [];
    hits.sort((a, b) => rank(b, words) - rank(a, words));
    count.textContent = words.length ? `${hits.length} found` : "";
    found.replaceChildren(...hits.slice(0, 100).map((one) => {
      const line = document.createElement("li"), link = document.createElement("a"), name = document.createElement("code");
      name.textContent = one.name.replace(/^Scanproof\./, "");
      link.href = `theorem/${encodeURIComponent(one.file)}`;
      link.append(name);
      line.append(link, one.says ? ": " : "", ...prose(one.says));
      return line;
    }));
  };
  search.addEventListener("input", show);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
  });
  show();
}

const graph = document.getElementById("graph");
if (graph) {
  const choose = (module) => {
    graph.classList.toggle("chosen", module !== null);
    const near = new Set([module]);
    for (const edge of graph.querySelectorAll(".edge")) {
      const touches = edge.dataset.user === module || edge.dataset.used === module;
      edge.classList.toggle("near", touches);
      if (touches) near.add(edge.dataset.user).add(edge.dataset.used);
    }
    for (const node of graph.querySelectorAll(".node")) node.classList.toggle("near", near.has(node.dataset.module));
  };
  for (const node of graph.querySelectorAll(".node")) {
    for (const event of ["pointerenter", "focus"]) node.addEventListener(event, () => choose(node.dataset.module));
    for (const event of ["pointerleave", "blur"]) node.addEventListener(event, () => choose(null));
    node.addEventListener("focus", () => node.scrollIntoView({ block: "nearest", inline: "center" }));
  }
}
