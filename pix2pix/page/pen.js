// The pen: what mouse, finger and stylus do to the drawing, and how the view of it is moved and enlarged.
const MAX_ZOOM = 8;
const ZOOM_STEP = 1.5;
// Tools of lines and of label maps; those with a width, in units, can be made broader and finer.
const TOOLS = {
  pen: { width: null, of: "lines" },
  colour: { width: 16, of: "both", hints: true },
  eraser: { width: 14, of: "lines" },
  rect: { width: null, of: "labels" },
  brush: { width: 10, of: "labels" },
  fill: { width: null, of: "both", hints: true },
  pick: { width: null, of: "labels" },
  inside: { width: null, of: "none" }, // a colourway that was kept: Variations put it there
};
const POINTING = ["fill", "pick"]; // they need a point alone, so the keys can use them too
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const AIM_STEP = 8; // units by which an arrow key moves the point; with Shift one
const [NARROWEST, BROADEST] = [2, 40]; // units
const widths = Object.fromEntries(
  Object.entries(TOOLS).map(([name, { width }]) => [
    name,
    width && preferred(preferences.widths?.[name], width, NARROWEST, BROADEST),
  ]),
);

let tool = "pen";
let label = ""; // to paint
let colour = "#c62828"; // of the hints
let pours = false; // in a label map: a fill has this colour, not the label
let view = WHOLE;
let seesModel = false; // the screen shows the model's own pixels
let aim = { x: UNITS / 2, y: UNITS / 2 }; // where the keys point
const fingers = new Map(); // pointers that are down on the paper -> where they are on the page

function place(event) {
  const box = canvas.getBoundingClientRect();
  const units = (pixels, side, from) => Math.round(((pixels / side) * (UNITS / view.zoom) + from) * 100) / 100;
  const point = [
    units(event.clientX - box.left, box.width, view.x),
    units(event.clientY - box.top, box.height, view.y),
  ];
  const pressure = Math.round(event.pressure * 1000) / 1000;
  return nearPaper(event.pointerType === "pen" ? [...point, pressure] : point);
}

function newStroke(event) {
  const point = place(event);
  const flipped = event.buttons & 32; // the other end of a real pen
  if (tool === "rect") return { tool, label, points: [point, point] };
  if (tool === "fill") return fillAt(point);
  if (tool === "brush") return { tool, label, width: widths.brush, points: [point] };
  if (tool === "eraser" || flipped) return { tool: "eraser", width: widths.eraser, points: [point] };
  if (tool === "colour") return { tool, colour, width: widths.colour, points: [point] };
  return { tool, ...(event.pointerType === "pen" && { pressure: true }), points: [point] };
}

const fillAt = (point) => (isColouring() ? { tool, colour, points: [point] } : { tool, label, points: [point] });

const isFillable = (point) =>
  model.palette
    ? !isColouring() || labelAt(point) === model.painted
    : Boolean(partAt(regions(sheet.drawing.strokes, model).parts, point, model.size));

// Says why nothing is filled, if it would be the paper around everything.
function canFill(point) {
  if (isFillable(point)) return true;
  const words = model.palette
    ? "Nothing is painted: colours are for " + model.painted + " alone."
    : "Nothing is filled: no line encloses this place, or the outline has too large a gap.";
  showStatus(words, true);
  return false;
}

function penDown(event) {
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  canvas.setPointerCapture(event.pointerId);
  document.activeElement?.blur(); // the keys are the drawing's again, not the chooser's
  if (event.pointerType === "touch" && fingers.size === 2) return beginPinch();
  if (stroke || pinch || (event.button > 0 && event.button !== 5)) return;
  endMaking();
  if (tool === "pick") return pick(place(event));
  if (tool === "fill" && !canFill(place(event))) return;
  take(false);
  const line = newStroke(event);
  const times = line.points.map(() => 0); // ms since the pen went down, of each point
  stroke = { ...line, times, began: event.timeStamp, pointer: event.pointerId, straightFrom: null };
  changed();
}

function penMove(event) {
  if (fingers.has(event.pointerId)) moveFinger(event);
  if (stroke?.pointer !== event.pointerId) return;
  const events = event.getCoalescedEvents?.() ?? [];
  const before = stroke.points.at(-1);
  for (const each of events.length ? events : [event]) extend(place(each), event.shiftKey, each.timeStamp);
  if (stroke.points.at(-1) !== before) grew();
}

// With Shift the line goes straight from where the pen was when the key went down.
function extend(point, straight, timeStamp) {
  const [x, y] = stroke.points.at(-1);
  if (Math.hypot(point[0] - x, point[1] - y) < 0.3) return; // the pen has not really moved
  if (stroke.tool === "fill") return;
  if (!straight) stroke.straightFrom = null;
  else stroke.straightFrom ??= stroke.points.length;
  const last = stroke.tool === "rect" ? 1 : straight ? stroke.straightFrom : stroke.points.length;
  stroke.points.splice(last, Infinity, point);
  stroke.times.splice(last, Infinity, Math.max(0, Math.round(timeStamp - stroke.began)));
}

function penUp(event) {
  fingers.delete(event.pointerId);
  if (!fingers.size) pinch = null;
  if (stroke?.pointer !== event.pointerId) return;
  const finished = finishedStroke();
  stroke = null;
  keep({ ...sheet.drawing, strokes: [...sheet.drawing.strokes, ...withTwin(finished)] });
  showControls(); // the drawing is the same as before: no new picture is asked for
  remarkSoon();
}

// As it stands in the drawing, if the pen were lifted now.
function finishedStroke() {
  const { pointer, straightFrom, began, ...line } = stroke;
  return { ...line, points: [...line.points], times: [...line.times] };
}

// The arrow keys move a point over the paper, Enter and the space bar fill or pick there.
function aimByKey(event) {
  const step = event.shiftKey ? 1 : AIM_STEP;
  const [dx, dy] = ARROWS[event.key]?.map((way) => way * step) ?? [0, 0];
  const uses = event.key === "Enter" || event.key === " ";
  if (!POINTING.includes(tool) || stroke || event.ctrlKey || event.metaKey || event.altKey || !(dx || dy || uses))
    return;
  event.preventDefault();
  const within = (value) => Math.max(0, Math.min(UNITS - 1, value));
  aim = { x: within(aim.x + dx), y: within(aim.y + dy) };
  if (!uses) return paintSoon();
  const point = [aim.x, aim.y];
  if (tool === "pick") pick(point);
  else if (canFill(point))
    commit({ ...sheet.drawing, strokes: [...sheet.drawing.strokes, ...withTwin(fillAt(point))] });
}

function pick(point) {
  label = labelAt(point) ?? label;
  chooseTool("rect");
}

// ----------------------------------------------------------------------------------------------------------- view

let pinch = null; // two fingers: how far apart they were, and the view and the point of the paper between them

function beginPinch() {
  stroke = null; // the first finger was no pen
  changed();
  pinch = { ...betweenFingers(), view };
}

function betweenFingers() {
  const [[ax, ay], [bx, by]] = fingers.values();
  return { apart: Math.hypot(ax - bx, ay - by), x: (ax + bx) / 2, y: (ay + by) / 2 };
}

function moveFinger(event) {
  const [x, y] = fingers.get(event.pointerId);
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  if (event.buttons & 4) look({ ...view, ...moved(event.clientX - x, event.clientY - y) }); // the middle button
  if (!pinch || fingers.size < 2) return;
  const now = betweenFingers();
  view = pinch.view;
  zoomAt(pinch.view.zoom * (now.apart / pinch.apart), pinch);
  look({ ...view, ...moved(now.x - pinch.x, now.y - pinch.y) });
}

function moved(dx, dy) {
  const scale = UNITS / (canvas.clientWidth * view.zoom);
  return { x: view.x - dx * scale, y: view.y - dy * scale };
}

// The point of the paper at (x, y) on the page stays where it is.
function zoomAt(zoom, { x, y }) {
  const box = canvas.getBoundingClientRect();
  const [shareX, shareY] = [(x - box.left) / box.width, (y - box.top) / box.height];
  const next = Math.max(1, Math.min(MAX_ZOOM, zoom));
  const change = UNITS / view.zoom - UNITS / next;
  look({ zoom: next, x: view.x + shareX * change, y: view.y + shareY * change });
}

function zoomBy(factor) {
  const box = canvas.getBoundingClientRect();
  zoomAt(view.zoom * factor, { x: box.left + box.width / 2, y: box.top + box.height / 2 });
}

function look({ x, y, zoom }) {
  const within = (value) => Math.max(0, Math.min(UNITS - UNITS / zoom, value));
  view = { x: within(x), y: within(y), zoom };
  moveOverlays();
  paintSoon();
  showControls();
  showCursor();
}

function turnWheel(event) {
  if (event.ctrlKey || event.metaKey)
    zoomAt(view.zoom * Math.exp(-event.deltaY / 300), { x: event.clientX, y: event.clientY });
  else if (view.zoom > 1) look({ ...view, ...moved(-event.deltaX, -event.deltaY) });
  else return; // the page scrolls
  event.preventDefault();
}
