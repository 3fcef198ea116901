// The drawing canvas. Gradio runs this as the body of a function and gives it `element` (what canvas.html became),
// `props` and `server` (the functions of canvas.py); canvas.py puts `getStroke` of perfect-freehand before it.
//
// A drawing is kept as strokes in a grid of 256 units, whatever the screen and the model: showing it, asking the model,
// undo and the thumbnails are all the same few lines, drawn at another scale.
const UNITS = 256;
const FINE = 16; // perfect-freehand has thresholds of some units: give it larger numbers, so that they vanish
const STRIDE = 3; // the most units between two points of a line: smoothing would cut the corners of longer steps
const ERASER = 14;
const BRUSH = 10;
const PATIENCE = 10_000; // ms until a request counts as lost
const REFRESH = 10_000; // ms between looks at the list of models: a training run adds to it, and improves its own
const DEFAULT_MODEL = { name: "", size: 256, lineWidth: 1, palette: null, invitation: "Draw here" };

const find = (selector) => element.querySelector(selector);
const canvas = find("#draw-canvas");
const picture = find("#draw-picture");
const chooser = find(".model");
const session = Math.random().toString(36).slice(2) + Date.now().toString(36);

let models = [];
let model = DEFAULT_MODEL;
let tool = "pen";
let label = "";
let stroke = null; // the one being drawn
let sheet = newSheet();
const sheets = new Map([[sheetKey(), sheet]]); // a sheet for each kind of drawing: changing the model loses none

// ---------------------------------------------------------------------------------------------------- the drawing

function newSheet() {
  return { drawing: { strokes: [], background: backgroundLabel() }, past: [], future: [] };
}

function sheetKey() {
  return JSON.stringify(model.palette);
}

function backgroundLabel() {
  const names = (model.palette ?? []).map(([name]) => name);
  return names.includes("facade") ? "facade" : names[0];
}

function currentDrawing() {
  const { drawing } = sheet;
  return stroke ? { ...drawing, strokes: [...drawing.strokes, stroke] } : drawing;
}

function commit(drawing) {
  sheet.past.push(sheet.drawing);
  sheet.future = [];
  sheet.drawing = drawing;
  changed();
}

function step(from, to) {
  if (stroke || !from.length) return;
  to.push(sheet.drawing);
  sheet.drawing = from.pop();
  changed();
}

const undo = () => step(sheet.past, sheet.future);
const redo = () => step(sheet.future, sheet.past);

function clear() {
  if (sheet.drawing.strokes.length) commit({ strokes: [], background: backgroundLabel() });
}

function changed() {
  version += 1;
  paintSoon();
  showControls();
  keepUp();
}

// ------------------------------------------------------------------------------------------------------- painting

const outlines = new WeakMap(); // stroke -> its outline as a path, as long as it does not grow

function outline(line, width) {
  const known = outlines.get(line);
  if (known?.length === line.points.length && known.width === width) return known.path;
  const path = line.points.length > 1 ? strokePath(line, width) : dotPath(line.points[0], width);
  outlines.set(line, { length: line.points.length, width, path });
  return path;
}

function strokePath(line, width) {
  const points = dense(line.points).map(([x, y, pressure]) => [x * FINE, y * FINE, pressure ?? 0.5]);
  const corners = getStroke(points, {
    size: width * FINE,
    thinning: line.pressure ? 0.5 : 0, // only a real pen has a pressure; a mouse draws an even line
    simulatePressure: false,
    smoothing: 0.5,
    streamline: 0.35,
    last: true, // otherwise the line stays behind the pen
  });
  return smoothPath(corners.map(([x, y]) => [x / FINE, y / FINE]));
}

function dense(points) {
  return points.flatMap((to, i) => {
    const from = points[Math.max(0, i - 1)];
    const parts = Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / STRIDE) || 1;
    const between = (share) => to.map((value, axis) => from[axis] + (value - from[axis]) * share);
    return Array.from({ length: parts }, (_, part) => between((part + 1) / parts));
  });
}

function smoothPath(corners) {
  const path = new Path2D();
  corners.forEach(([x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length];
    if (i === 0) path.moveTo((x + nextX) / 2, (y + nextY) / 2);
    else path.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  });
  path.closePath();
  return path;
}

function dotPath([x, y], width) {
  const path = new Path2D();
  path.arc(x, y, width / 2, 0, 2 * Math.PI);
  return path;
}

function paintLines(context, drawing, penWidth) {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, UNITS, UNITS);
  for (const line of drawing.strokes) {
    const erases = line.tool === "eraser";
    context.fillStyle = erases ? "#fff" : "#000";
    context.fill(outline(line, erases ? line.width : penWidth));
  }
}

// Label maps have no in-between colours: each pixel of the model's grid gets the one of its class, none is blended.
function labelMap(drawing, size) {
  const image = new ImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  pixels.fill(colourOf(drawing.background) ?? 0xffffffff);
  for (const area of drawing.strokes) {
    const colour = colourOf(area.label);
    if (colour === undefined) continue;
    if (area.tool === "rect") fillRectangle(pixels, size, area.points, colour);
    else sweepBrush(pixels, size, area, colour);
  }
  return image;
}

function colourOf(name) {
  const colour = model.palette.find(([known]) => known === name)?.[1];
  return colour && new Uint32Array(new Uint8Array([...colour, 255]).buffer)[0];
}

function fillRectangle(pixels, size, [[x0, y0], [x1, y1]], colour) {
  const snap = (value) => Math.max(0, Math.min(size, Math.round((value * size) / UNITS)));
  const [left, right] = [snap(Math.min(x0, x1)), snap(Math.max(x0, x1))];
  for (let y = snap(Math.min(y0, y1)); y < snap(Math.max(y0, y1)); y++) {
    pixels.fill(colour, y * size + left, y * size + right);
  }
}

function sweepBrush(pixels, size, { points, width }, colour) {
  const scale = size / UNITS;
  const radius = Math.max(0.75, (width * scale) / 2);
  points.forEach(([x, y], i) => {
    const [fromX, fromY] = points[Math.max(0, i - 1)];
    sweepSegment(pixels, size, [fromX * scale, fromY * scale], [x * scale, y * scale], radius, colour);
  });
}

function sweepSegment(pixels, size, [ax, ay], [bx, by], radius, colour) {
  const [dx, dy] = [bx - ax, by - ay];
  const lengthSquared = dx * dx + dy * dy || 1;
  const from = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - radius));
  const to = (a, b) => Math.min(size, Math.ceil(Math.max(a, b) + radius));
  for (let y = from(ay, by); y < to(ay, by); y++) {
    for (let x = from(ax, bx); x < to(ax, bx); x++) {
      const [px, py] = [x + 0.5 - ax, y + 0.5 - ay];
      const along = Math.max(0, Math.min(1, (px * dx + py * dy) / lengthSquared));
      if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius) pixels[y * size + x] = colour;
    }
  }
}

// Draws on any canvas, at the size it has.
function paint(target, drawing, penWidth) {
  const context = target.getContext("2d");
  const scale = target.width / UNITS;
  if (model.palette) {
    const map = sketchPad(model.size);
    map.getContext("2d").putImageData(labelMap(drawing, model.size), 0, 0);
    context.imageSmoothingEnabled = false;
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (target !== map) context.drawImage(map, 0, 0, target.width, target.height);
  } else {
    context.setTransform(scale, 0, 0, scale, 0, 0);
    paintLines(context, drawing, penWidth);
  }
}

// The canvas that nobody sees, at exactly the model's size: the same picture reaches the model from any screen.
const pad = document.createElement("canvas");
pad.getContext("2d", { willReadFrequently: true });

function sketchPad(size) {
  if (pad.width !== size) pad.width = pad.height = size;
  return pad;
}

const modelPenWidth = () => (model.lineWidth * UNITS) / model.size;

function forModel() {
  const target = sketchPad(model.size);
  paint(target, currentDrawing(), modelPenWidth());
  return target.toDataURL("image/png");
}

let paintAsked = false;

function paintSoon() {
  if (paintAsked) return;
  paintAsked = true;
  requestAnimationFrame(() => {
    paintAsked = false;
    paint(canvas, currentDrawing(), modelPenWidth());
  });
}

function fitCanvas() {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!side) return; // in a tab that is not shown
  if (canvas.width !== side) canvas.width = canvas.height = side;
  paint(canvas, currentDrawing(), modelPenWidth()); // at once: a resized canvas is blank
  showCursor();
}

// ---------------------------------------------------------------------------------------------------- live picture

let version = 0; // of the drawing; each change is a new one
let shown = 0; // the version that the picture belongs to
let asking = false;

// One request at a time, always with the newest drawing, until the picture belongs to the drawing that is there.
async function keepUp() {
  if (asking || !model.name) return;
  asking = true;
  try {
    for (let failures = 0; shown !== version; ) {
      if (!currentDrawing().strokes.length) showNothing();
      else if (await ask(version)) failures = 0;
      else await recover(++failures);
    }
  } finally {
    asking = false;
  }
}

function recover(failures) {
  showStatus("Connection lost, trying again…");
  return pause(Math.min(4000, 250 * 2 ** failures));
}

// True: answered. A request that takes too long is given up, but its picture is still welcome if it does come.
async function ask(asked) {
  const started = performance.now();
  const slow = setTimeout(() => showStatus("waiting…"), 600);
  const name = model.name;
  const answer = server
    .translate({ model: name, session, picture: forModel() })
    .then((reply) => (name === model.name ? receive(reply, asked, started) : true)) // another model: not its picture
    .catch(() => false);
  const answered = await Promise.race([answer, pause(PATIENCE).then(() => false)]);
  clearTimeout(slow);
  return answered;
}

async function receive(reply, asked, started) {
  if (!reply || reply.superseded) return false;
  if (asked <= shown) return true; // a newer one has come meanwhile
  if (reply.error) {
    showNothing(asked, reply.error);
    return true;
  }
  const next = new Image();
  next.src = reply.picture;
  await next.decode(); // so that the change of pictures does not flicker
  if (asked <= shown) return true;
  shown = asked;
  showPicture(reply.picture);
  showStatus(Math.round(performance.now() - started) + " ms");
  return true;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function showPicture(url) {
  picture.src = url;
  picture.alt = "What " + model.name + " makes of your drawing";
  setPictureShown(true);
}

function showNothing(asked = version, error = "") {
  shown = asked;
  picture.removeAttribute("src");
  picture.alt = "";
  setPictureShown(false);
  showStatus(error, Boolean(error));
}

function setPictureShown(on) {
  picture.hidden = !on;
  find(".placeholder").hidden = on;
  find(".result").classList.toggle("full", on);
  find(".save").disabled = !on;
}

function showStatus(text, wrong = false) {
  const status = find(".status");
  status.textContent = text;
  status.classList.toggle("wrong", wrong);
  status.setAttribute("aria-live", wrong ? "assertive" : "off"); // milliseconds are not worth reading aloud
}

// ------------------------------------------------------------------------------------------------------------- pen

function place(event) {
  const box = canvas.getBoundingClientRect();
  const units = (pixels, side) => Math.round((pixels / side) * UNITS * 100) / 100;
  const point = [units(event.clientX - box.left, box.width), units(event.clientY - box.top, box.height)];
  return event.pointerType === "pen" ? [...point, event.pressure] : point;
}

function newStroke(event) {
  const point = place(event);
  if (tool === "rect") return { tool, label, points: [point, point] };
  if (tool === "brush") return { tool, label, width: BRUSH, points: [point] };
  const flipped = event.buttons & 32; // the other end of a real pen
  if (tool === "eraser" || flipped) return { tool: "eraser", width: ERASER, points: [point] };
  return { tool, pressure: event.pointerType === "pen", points: [point] };
}

function penDown(event) {
  if (stroke || event.button > 0 && event.button !== 5) return;
  document.activeElement?.blur(); // the keys are the drawing's again, not the chooser's
  canvas.setPointerCapture(event.pointerId);
  stroke = Object.assign(newStroke(event), { pointer: event.pointerId });
  changed();
}

function penMove(event) {
  if (stroke?.pointer !== event.pointerId) return;
  const events = event.getCoalescedEvents?.() ?? [];
  const before = stroke.points.at(-1);
  for (const each of events.length ? events : [event]) extend(place(each));
  if (stroke.points.at(-1) !== before) changed();
}

function extend(point) {
  const [x, y] = stroke.points.at(-1);
  if (Math.hypot(point[0] - x, point[1] - y) < 0.3) return; // the pen has not really moved
  if (stroke.tool === "rect") stroke.points[1] = point;
  else stroke.points.push(point);
}

function penUp(event) {
  if (stroke?.pointer !== event.pointerId) return;
  const { pointer, ...finished } = stroke;
  stroke = null;
  commit({ ...sheet.drawing, strokes: [...sheet.drawing.strokes, finished] });
}

// -------------------------------------------------------------------------------------------------------- controls

function chooseTool(name) {
  tool = name;
  showControls();
  showCursor();
}

function showControls() {
  const blank = !currentDrawing().strokes.length;
  for (const button of element.querySelectorAll(".tool")) {
    button.hidden = ["rect", "brush"].includes(button.dataset.tool) !== Boolean(model.palette);
    button.setAttribute("aria-pressed", button.dataset.tool === tool);
  }
  for (const button of element.querySelectorAll(".swatches button")) {
    button.setAttribute("aria-pressed", button.dataset.label === label);
  }
  find(".undo").disabled = !sheet.past.length;
  find(".redo").disabled = !sheet.future.length;
  find(".clear").disabled = blank;
  find(".invitation").classList.toggle("gone", !blank);
  find(".studio").classList.toggle("labels", Boolean(model.palette));
}

function showCursor() {
  const width = { eraser: ERASER, brush: BRUSH }[tool] ?? 0;
  const side = Math.min(120, Math.round((width / UNITS) * canvas.clientWidth));
  canvas.style.cursor = side > 3 ? ringCursor(side) : "crosshair";
}

function ringCursor(side) {
  const middle = Math.round(side / 2);
  const ring = (look) => "<circle cx='50%' cy='50%' r='" + (middle - 2) + "' fill='none' " + look + "/>";
  const svg = "<svg xmlns='http://www.w3.org/2000/svg' width='" + side + "' height='" + side + "'>"
    + ring("stroke='white' stroke-width='3'") + ring("stroke='dimgray' stroke-width='1.5'") + "</svg>";
  return 'url("data:image/svg+xml,' + svg + '") ' + middle + " " + middle + ", crosshair";
}

function showSwatches() {
  const buttons = (model.palette ?? []).map(([name, [r, g, b]]) => {
    const button = newButton(name, () => ((label = name), showControls()));
    const colour = document.createElement("i");
    colour.style.background = "rgb(" + [r, g, b] + ")";
    button.append(colour, name);
    button.dataset.label = name;
    return button;
  });
  find(".swatches").replaceChildren(...buttons);
  find(".swatches").hidden = !buttons.length;
}

function showSamples() {
  const kind = model.palette ? "labels" : "edges";
  const fitting = props.samples.filter((sample) => sample.kind === kind);
  const buttons = fitting.map((sample) => {
    const drawing = drawingOf(sample);
    const button = newButton(sample.name, () => commit(drawing));
    const thumbnail = document.createElement("canvas");
    thumbnail.width = thumbnail.height = 136;
    paint(thumbnail, drawing, 3.5);
    button.title = sample.name;
    button.append(thumbnail);
    return button;
  });
  find(".samples").replaceChildren(...buttons);
  find(".gallery").hidden = !buttons.length;
}

function drawingOf({ strokes, background }) {
  return {
    strokes: strokes.map((line) => ({ ...line, width: line.tool === "brush" ? line.width ?? BRUSH : line.width })),
    background: background ?? backgroundLabel(),
  };
}

function newButton(name, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", name);
  button.addEventListener("click", press);
  return button;
}

function save() {
  const link = document.createElement("a");
  link.href = picture.src;
  link.download = model.name + ".png";
  link.click();
}

function pressKey(event) {
  if (!element.isConnected) return document.removeEventListener("keydown", pressKey);
  const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
  if (typing || !canvas.offsetParent || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (!["z", "y"].includes(key)) return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) redo();
  else undo();
}

// ---------------------------------------------------------------------------------------------------------- models

async function refreshModels() {
  if (document.hidden) return;
  const listed = await server.models({}).catch(() => null); // the app is away: it will be asked again
  if (!listed || JSON.stringify(listed) === JSON.stringify(models)) return;
  models = listed;
  const options = models.map(({ name }) => new Option(name, name, false, name === model.name));
  chooser.replaceChildren(...(options.length ? options : [new Option("none yet: train one")]));
  chooser.disabled = !options.length;
  useModel(models.find(({ name }) => name === model.name) ?? models.find(({ broken }) => !broken) ?? models[0]);
}

function useModel(chosen) {
  if (!chosen || JSON.stringify(chosen) === JSON.stringify(model)) return;
  const isOther = chosen.name !== model.name;
  if (stroke && isOther) penUp({ pointerId: stroke.pointer }); // it belongs to the drawing that was there
  model = { ...DEFAULT_MODEL, ...chosen };
  sheets.set(sheetKey(), sheets.get(sheetKey()) ?? newSheet());
  sheet = sheets.get(sheetKey());
  if (isOther) showModel();
  find(".about").textContent = model.steps ? model.steps.toLocaleString("en") + " training steps" : "";
  changed();
  if (isOther) warmUp();
}

function showModel() {
  const names = (model.palette ?? []).map(([name]) => name);
  if (!names.includes(label)) label = names.includes("window") ? "window" : names.at(-1) ?? "";
  if (["rect", "brush"].includes(tool) !== Boolean(model.palette)) chooseTool(model.palette ? "rect" : "pen");
  chooser.value = model.name;
  find(".invitation-text").textContent = model.invitation;
  showSwatches();
  showSamples();
}

async function warmUp() {
  const asked = model.name;
  const reply = await server.warm_up({ model: asked }).catch(() => null);
  if (reply?.error && asked === model.name) showStatus(reply.error, true);
}

// ----------------------------------------------------------------------------------------------------------- begin

canvas.addEventListener("pointerdown", penDown);
canvas.addEventListener("pointermove", penMove);
canvas.addEventListener("pointerup", penUp);
canvas.addEventListener("pointercancel", penUp);
canvas.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press of a finger
for (const button of element.querySelectorAll(".tool")) {
  button.addEventListener("click", () => chooseTool(button.dataset.tool));
}
find(".undo").addEventListener("click", undo);
find(".redo").addEventListener("click", redo);
find(".clear").addEventListener("click", clear);
find(".save").addEventListener("click", save);
chooser.addEventListener("change", () => useModel(models.find(({ name }) => name === chooser.value)));
chooser.addEventListener("focus", refreshModels);
document.addEventListener("keydown", pressKey);
new ResizeObserver(fitCanvas).observe(canvas);

showControls();
showSamples();
refreshModels();
const refreshing = setInterval(() => (element.isConnected ? refreshModels() : clearInterval(refreshing)), REFRESH);
