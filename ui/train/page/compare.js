// Two to four runs side by side: a curve of each, the same samples at the same step, and the settings that differ.
//
// Gradio runs answers.js, kept.js, sheets.js, plot.js and this as the body of one function of `element`, `props` and
// `server`.
const CHOSEN = "pix2pix studio runs side by side"; // in the browser's storage
const LOOK_MS = 3000; // between looks at what is new
const COLOURS = ["#3b7dd8", "#e8793a", "#2a9d6f", "#a855c7"];
const DASHES = ["", "6 3", "2 3", "8 3 2 3"]; // for those who tell no colours apart
const FIRST_FIGURES = ["val_perceptual", "val_L1", "loss_L1"]; // that are worth the first look
const SMOOTHING = 0.6;
const find = (selector) => element.querySelector(selector);
const ask = (what, data) => server[what](data).catch(() => ({ error: "no answer" }));
let choice = { open: false, runs: [], figure: "", log: false, step: null, range: null, ...readKept(CHOSEN) };
let names = []; // of all runs
const known = new Map(); // run -> { stamp, curves, previews }
let moments = []; // steps that the slider goes through
let alike = false; // they learn from the same pictures
let isLooking = false;
const plot = newPlot("", (range) => choose({ range }));

function choose(changes) {
  choice = { ...choice, ...changes };
  keep(CHOSEN, choice);
  show();
}

const chosenRuns = () => choice.runs.filter((run) => names.includes(run)).slice(0, props.most);

async function look() {
  if (!element.isConnected) return clearInterval(timer);
  if (!choice.open || document.hidden || isLooking || !element.offsetParent) return;
  isLooking = true;
  const found = await ask("runs", {});
  names = Array.isArray(found) ? found : names;
  const runs = chosenRuns();
  await Promise.all(runs.map(lookAt));
  if (runs.length > 1) showSettings(await ask("settings", { run: runs[0], others: runs.slice(1) }), runs);
  isLooking = false;
  show();
}

async function lookAt(run) {
  const before = known.get(run) ?? { curves: {}, previews: [] };
  const [figures, { previews = [] }] = await Promise.all([
    ask("figures", { run, stamp: before.stamp }),
    ask("previews", { run }),
  ]);
  known.set(run, { ...before, ...figures, previews });
}

function show() {
  find(".side-by-side").hidden = !choice.open;
  find(".open-compare").setAttribute("aria-expanded", choice.open);
  if (!choice.open) return;
  const runs = chosenRuns();
  showWhich(runs);
  for (const part of [".choices", ".curves", ".moment", ".sheets", ".settings"]) find(part).hidden = runs.length < 2;
  if (runs.length < 2) return;
  showCurves(runs);
  showMoment(runs);
}

function showWhich(runs) {
  const boxes = [...find(".which").querySelectorAll("input")];
  if (boxes.map(({ value }) => value).join("/") !== names.join("/")) {
    find(".which").replaceChildren(find(".which legend"), ...names.map(newBox));
    find(".which legend").textContent = names.length > 1 ? "Two to four runs" : "There are not two runs yet.";
  }
  for (const box of find(".which").querySelectorAll("input")) {
    box.checked = runs.includes(box.value);
    box.disabled = !box.checked && runs.length >= props.most;
  }
}

function newBox(name) {
  const label = document.createElement("label");
  const box = document.createElement("input");
  Object.assign(box, { type: "checkbox", value: name });
  box.addEventListener("change", () => {
    const others = chosenRuns().filter((run) => run !== name);
    choose({ runs: box.checked ? [...others, name] : others, step: null, range: null });
    look();
  });
  label.append(box, name);
  return label;
}

function showCurves(runs) {
  const figures = [...new Set(runs.flatMap((run) => Object.keys(known.get(run)?.curves ?? {})))];
  const usual = FIRST_FIGURES.find((name) => figures.includes(name)) ?? figures[0] ?? "";
  const figure = figures.includes(choice.figure) ? choice.figure : usual;
  const select = find(".figure");
  if ([...select.options].map(({ value }) => value).join() !== figures.join()) {
    select.replaceChildren(...figures.map((name) => new Option(name)));
  }
  select.value = figure;
  find(".log").checked = choice.log;
  find(".all-steps").hidden = !choice.range;
  const lines = runs.map((run, i) => {
    const points = smoothed(known.get(run)?.curves?.[figure] ?? [], SMOOTHING);
    return { name: run, colour: COLOURS[i], dash: DASHES[i], points };
  });
  plot.show(lines, choice.range, choice.log);
}

// The steps at which any of them has a preview; of another run the last one before is shown.
function showMoment(runs) {
  const all = [...new Set(runs.flatMap((run) => (known.get(run)?.previews ?? []).map(([step]) => step)))];
  moments = all.toSorted((one, two) => one - two);
  find(".moment").hidden = !moments.length;
  if (!moments.length) return find(".sheets").replaceChildren();
  const slider = find(".moment input");
  const last = moments.findLastIndex((step) => step <= (choice.step ?? Infinity));
  slider.max = moments.length - 1;
  slider.value = Math.max(0, last);
  const step = moments[slider.value];
  find(".moment output").textContent = step.toLocaleString("en");
  showSheets(runs, step);
}

async function showSheets(runs, step) {
  const places = runs.map((run) => (known.get(run)?.previews ?? []).findLast(([each]) => each <= step));
  const key = JSON.stringify([runs, places, alike]);
  if (find(".sheets").dataset.key === key) return;
  find(".sheets").dataset.key = key;
  const sheetsOfAll = await Promise.all(runs.map((run, i) => places[i] && sheetOf(run, ...places[i])));
  if (find(".sheets").dataset.key !== key) return; // another one was asked for meanwhile
  const strips = runs.flatMap((run, i) => {
    const sheet = sheetsOfAll[i];
    if (!sheet) return [newStrip(run, "nothing yet", null)];
    const own = newStrip(run, places[i] && steps(places[i][0]), sheet, FAKE, COLOURS[i]);
    const isShared = alike && i > 0 && sheetsOfAll[0];
    return isShared ? [own] : [newStrip("", "input", sheet, INPUT), newStrip("", "target", sheet, TARGET), own];
  });
  find(".sheets").replaceChildren(...strips);
}

function newStrip(name, words, sheet, row, colour) {
  const strip = document.createElement("div");
  strip.className = "strip";
  strip.dataset.run = name;
  const label = document.createElement("b");
  if (colour) label.style.setProperty("--colour", colour);
  const further = document.createElement("span");
  further.textContent = words;
  label.append(name, further);
  strip.append(label);
  if (sheet) strip.style.setProperty("--columns", sheet.columns);
  for (let column = 0; column < (sheet?.columns ?? 0); column++) {
    const canvas = document.createElement("canvas");
    paintCell(canvas, sheet, row, column);
    strip.append(canvas);
  }
  return strip;
}

function showSettings({ rows, alike: same, error }, runs) {
  alike = Boolean(same);
  const lines = error ? [[error]] : [["", ...runs], ...rows];
  const cells = lines.map((line, i) => {
    const tr = document.createElement("tr");
    for (const text of line) tr.append(Object.assign(document.createElement(i ? "td" : "th"), { textContent: text }));
    return tr;
  });
  find(".settings").replaceChildren(...cells);
}

find(".curves").append(plot.figure);
find(".open-compare").addEventListener("click", () => {
  choose({ open: !choice.open });
  look();
});
find(".moment input").addEventListener("input", ({ target }) => choose({ step: moments[target.value] }));
find(".figure").addEventListener("change", ({ target }) => choose({ figure: target.value }));
find(".log").addEventListener("change", ({ target }) => choose({ log: target.checked }));
find(".all-steps").addEventListener("click", () => choose({ range: null }));
const timer = setInterval(look, LOOK_MS);
show();
look();
