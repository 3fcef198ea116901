// The curves of the run that is shown. Smoothing, scale and zoom are kept, the zoom for each run.
//
// Gradio runs answers.js, kept.js, plot.js and this as the body of one function of `element`, `props` and `server`.
const CHOSEN = "pix2pix studio curves"; // in the browser's storage
const LOOK_MS = 2000; // between looks at what is new
const USUAL = { smoothing: 0.6, log: false, run: "", range: null };
const find = (selector) => element.querySelector(selector);
const NOTHING = { run: "", stamp: "", curves: {} };
const plots = props.plots.map(({ title, lines }) => ({ lines, ...newPlot(title, zoomTo) }));
let choice = { ...USUAL, ...readKept(CHOSEN) };
let shown = NOTHING;
let isLooking = false;

function choose(changes) {
  choice = { ...choice, ...changes };
  keep(CHOSEN, choice);
  show();
}

function zoomTo(range) {
  choose({ run: shown.run, range });
}

async function look() {
  if (!element.isConnected) return clearInterval(timer);
  const run = document.querySelector("#train-status [data-run]")?.dataset.run ?? "";
  if (document.hidden || isLooking) return;
  if (!run && shown !== NOTHING) {
    shown = NOTHING; // the last run was deleted
    show();
  }
  if (!run) return;
  isLooking = true;
  const stamp = run === shown.run ? shown.stamp : "";
  const found = await server.figures({ run, stamp }).catch(() => ({}));
  isLooking = false;
  if (!found.curves) return; // what the page has is what there is
  shown = { run, stamp: found.stamp, curves: found.curves };
  show();
}

function show() {
  find(".smoothing").value = choice.smoothing;
  find(".log").checked = choice.log;
  const range = choice.run === shown.run ? choice.range : null;
  find(".all-steps").hidden = !range;
  for (const { lines, figure, show: draw } of plots) {
    const there = lines.filter(({ name }) => shown.curves[name]?.length > 1);
    figure.hidden = !there.length;
    const drawn = there.map((line) => ({ ...line, points: smoothed(shown.curves[line.name], choice.smoothing) }));
    if (there.length) draw(drawn, range, choice.log);
  }
  const isEmpty = plots.every(({ figure }) => figure.hidden);
  for (const part of [".choices", ".hint"]) find(part).hidden = isEmpty;
}

find(".plots").append(...plots.map(({ figure }) => figure));
find(".smoothing").addEventListener("input", ({ target }) => choose({ smoothing: Number(target.value) }));
find(".log").addEventListener("change", ({ target }) => choose({ log: target.checked }));
find(".all-steps").addEventListener("click", () => zoomTo(null));
const timer = setInterval(look, LOOK_MS);
show();
look();
