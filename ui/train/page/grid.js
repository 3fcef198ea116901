// The previews of a run as a grid: rows are steps, columns are pairs, and each picture can be looked at alone.
//
// Gradio runs answers.js, sheets.js and this as the body of one function of `element`, `props` and `server`.
const OPEN = "pix2pix studio grid"; // in the browser's storage
const LOOK_MS = 3000; // between looks for new previews
const find = (selector) => element.querySelector(selector);
const dialog = find(".look");
const painter = new IntersectionObserver(paintSeen, { rootMargin: "200px" });
let run = "";
let list = []; // [step, stamp], by step
let at = { step: 0, column: 0 }; // what is looked at
let aside = FAKE; // or the row that is shown instead
let isLooking = false;

function toggle(open) {
  find(".samples").hidden = !open;
  find(".open-grid").setAttribute("aria-expanded", open);
  try {
    localStorage.setItem(OPEN, open ? "yes" : "");
  } catch {
    // It lives as long as the page.
  }
  if (open) look();
}

async function look() {
  if (!element.isConnected) return clearInterval(timer);
  const shown = document.querySelector("#train-status [data-run]")?.dataset.run ?? "";
  if (find(".samples").hidden || document.hidden || isLooking || !shown) return;
  isLooking = true;
  const { previews = [] } = await server.previews({ run: shown }).catch(() => ({}));
  isLooking = false;
  if (shown === run && JSON.stringify(previews) === JSON.stringify(list)) return paintAgain();
  if (shown !== run) dialog.close();
  [run, list] = [shown, previews];
  showRows();
  if (dialog.open) showOne();
}

// Rows that are there stay, so that nothing flickers; pictures are painted once they are seen.
function showRows() {
  const before = new Map([...find(".rows").children].map((row) => [row.dataset.key, row]));
  const rows = list.toReversed().map(([step, stamp]) => {
    const key = [run, step, stamp].join("/");
    return before.get(key) ?? newRow(step, key);
  });
  find(".rows").replaceChildren(...rows);
}

function newRow(step, key) {
  const row = document.createElement("div");
  row.className = "row";
  Object.assign(row.dataset, { key, step });
  const label = document.createElement("span");
  label.textContent = steps(step);
  row.append(label);
  painter.observe(row);
  return row;
}

function paintSeen(entries) {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    painter.unobserve(target);
    paintRow(target);
  }
}

// What could not be had at once, for want of a connection say.
function paintAgain() {
  for (const row of find(".rows").children) {
    if (row.querySelector("button")) continue;
    painter.unobserve(row);
    painter.observe(row);
  }
}

async function paintRow(row) {
  const step = Number(row.dataset.step);
  const [shownRun, , stamp] = row.dataset.key.split("/");
  const sheet = await sheetOf(shownRun, step, stamp);
  if (!sheet || row.querySelector("button")) return;
  row.style.setProperty("--columns", sheet.columns);
  for (let column = 0; column < sheet.columns; column++) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", steps(step) + ", pair " + (column + 1));
    button.addEventListener("click", () => openOne(step, column));
    const canvas = document.createElement("canvas");
    paintCell(canvas, sheet, FAKE, column);
    button.append(canvas);
    row.append(button);
  }
}

function openOne(step, column) {
  at = { step, column };
  aside = FAKE;
  dialog.showModal();
  showOne();
}

async function showOne() {
  const place = list.findIndex(([step]) => step === at.step);
  if (place < 0) return dialog.close(); // a resume has forgotten it
  const asked = { ...at };
  const sheet = await sheetOf(run, at.step, list[place][1]);
  if (!sheet || asked.step !== at.step || asked.column !== at.column) return;
  at.column = Math.min(at.column, sheet.columns - 1);
  paintCell(dialog.querySelector("canvas"), sheet, aside, at.column);
  const what = ["the input", "the target", "what the generator makes"][aside];
  find(".caption").textContent = `${steps(at.step)}, pair ${at.column + 1} of ${sheet.columns}: ${what}`;
  find(".earlier").disabled = place === 0;
  find(".later").disabled = place === list.length - 1;
  find(".input").setAttribute("aria-pressed", aside === INPUT);
  find(".target").setAttribute("aria-pressed", aside === TARGET);
  find(".pair").dataset.count = sheet.columns;
}

function moveInTime(by) {
  const place = list.findIndex(([step]) => step === at.step) + by;
  if (place < 0 || place >= list.length) return;
  at.step = list[place][0];
  showOne();
}

function movePair(by) {
  const count = Number(find(".pair").dataset.count) || 1;
  at.column = (at.column + by + count) % count;
  showOne();
}

function show(row) {
  aside = aside === row ? FAKE : row;
  showOne();
}

function toggleFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else
    find(".frame")
      .requestFullscreen?.()
      .catch(() => null);
}

const KEYS = {
  ArrowLeft: () => moveInTime(-1),
  ArrowRight: () => moveInTime(1),
  ArrowUp: () => movePair(-1),
  ArrowDown: () => movePair(1),
  i: () => show(INPUT),
  t: () => show(TARGET),
  f: toggleFull,
};

function pressKey(event) {
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation(); // the Draw tab has keys of its own
  act();
}

const CLICKS = {
  ".open-grid": () => toggle(find(".samples").hidden),
  ".earlier": () => moveInTime(-1),
  ".later": () => moveInTime(1),
  ".pair": () => movePair(1),
  ".input": () => show(INPUT),
  ".target": () => show(TARGET),
  ".full": toggleFull,
  ".close": () => dialog.close(),
};

for (const [selector, act] of Object.entries(CLICKS)) find(selector).addEventListener("click", act);
dialog.addEventListener("keydown", pressKey);
const timer = setInterval(look, LOOK_MS);
try {
  if (localStorage.getItem(OPEN)) toggle(true);
} catch {
  // It begins closed.
}
