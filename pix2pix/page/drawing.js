// The drawing: strokes in a grid of 256 units, whatever the screen and the model, and what was drawn before them.
//
// Gradio runs these files, one after the other, as the body of one function (canvas.py says in which order), and gives
// them `element` (what canvas.html became), `props` and `server` (the functions of canvas.py).
const UNITS = 256;
const KEPT = "pix2pix studio"; // in the browser's storage
const DEFAULT_MODEL = {
  name: "",
  size: 256,
  lineWidth: 1,
  palette: null,
  colourHints: false,
  dropout: false, // whether a seed changes its pictures
  painted: null, // of a palette: the name of the class that colour hints are for
  snapshots: [],
  invitation: "Draw here",
};

let models = [];
let model = DEFAULT_MODEL;
let stroke = null; // the one being drawn
let sheet = newSheet();
const sheets = new Map([[sheetKey(), sheet]]); // a sheet for each kind of drawing: changing the model loses none

function newSheet(drawing = { strokes: [], background: backgroundLabel() }) {
  return { drawing, past: [], future: [] };
}

const kindOf = (about) => (about.palette ? "labels" : "edges");

function sheetKey() {
  return JSON.stringify(model.palette);
}

function backgroundLabel() {
  const names = (model.palette ?? []).map(([name]) => name);
  return names.includes("facade") ? "facade" : names[0];
}

function currentDrawing() {
  if (shown ?? given) return shown ?? given;
  const { drawing } = sheet;
  return stroke ? { ...drawing, strokes: [...drawing.strokes, ...liveStrokes()] } : drawing;
}

function commit(drawing) {
  take(false);
  keep(drawing);
  changed();
}

function keep(drawing) {
  told = "";
  endMaking();
  sheet.past.push(sheet.drawing);
  sheet.future = [];
  sheet.drawing = drawing;
  remember();
}

function moveInTime(from, to) {
  if (stroke || !from.length) return;
  endMaking();
  to.push(sheet.drawing);
  sheet.drawing = from.pop();
  remember();
  changed();
}

const undo = () => moveInTime(sheet.past, sheet.future);
const redo = () => moveInTime(sheet.future, sheet.past);

function clear() {
  if (sheet.drawing.strokes.length) commit({ strokes: [], background: backgroundLabel() });
}

function mirror() {
  const strokes = sheet.drawing.strokes.map((line) => ({ ...line, points: line.points.map(across) }));
  if (!stroke && strokes.length) commit({ ...sheet.drawing, strokes });
}

function changed() {
  grew();
  showControls();
}

// The stroke that is being drawn is longer, which is nothing to the controls: a pen moves too often to renew them all.
function grew() {
  version += 1;
  paintSoon();
  remarkSoon();
  keepUp();
}

// ------------------------------------------------------------------------------- what a refresh of the page keeps

// Each of two tabs has its own drawing again; a new tab begins with the newest.
function remember() {
  const drawings = [...sheets].map(([key, { drawing }]) => [key, drawing]);
  const text = JSON.stringify({ model: model.name, drawings });
  try {
    localStorage.setItem(KEPT, text);
    sessionStorage.setItem(KEPT, text);
  } catch {
    // No storage, or a full one: the drawing lives as long as the page.
  }
}

function recall() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT)) ?? {};
    for (const [key, drawing] of kept.drawings ?? []) sheets.set(key, newSheet(checked(drawing)));
    return kept.model;
  } catch {
    return undefined; // what another version has kept
  }
}
