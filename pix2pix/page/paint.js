// Painting: the screen, the model's view, thumbnails and saved pictures are all the same drawing at another scale.
const FINE = 16; // perfect-freehand has thresholds of some units: give it larger numbers, so that they vanish
const STRIDE = 3; // the most units between two points of a line: smoothing would cut the corners of longer steps
const NOTHING = "#aaa"; // where a picture that is translated as it is has nothing: any stroke is seen on it
const WHOLE = { x: 0, y: 0, zoom: 1 }; // a view of all of the drawing: its left and top in units, and how much larger

const find = (selector) => element.querySelector(selector);
const canvas = find("#draw-canvas");

// Paints on any canvas, at the size it has.
function paint(target, drawing, about, view = WHOLE) {
  const { palette, size } = about;
  const context = target.getContext("2d");
  const scale = (target.width / UNITS) * view.zoom;
  if (drawing.taken) {
    context.setTransform(scale, 0, 0, scale, -view.x * scale, -view.y * scale);
    context.imageSmoothingEnabled = true;
    context.fillStyle = NOTHING;
    context.fillRect(0, 0, UNITS, UNITS);
    context.drawImage(drawing.taken, 0, 0, UNITS, UNITS);
    return;
  }
  if (palette) {
    const map = scratch(size);
    map.getContext("2d").putImageData(labelMap(drawing, about), 0, 0);
    context.imageSmoothingEnabled = false;
    context.setTransform((scale * UNITS) / size, 0, 0, (scale * UNITS) / size, -view.x * scale, -view.y * scale);
    context.drawImage(map, 0, 0);
  } else {
    context.setTransform(scale, 0, 0, scale, -view.x * scale, -view.y * scale);
    paintLines(context, drawing.strokes, about);
  }
}

function newCanvas(size) {
  const made = document.createElement("canvas");
  made.width = made.height = size;
  return made;
}

const FEW_SCRATCHES = 4;
const scratches = new Map(); // by size, the one that was used last comes last

// A clear canvas to paint on in passing. The screen is painted with each move of the pen, and canvases that are made and
// thrown away cost the browser more than all that is painted on them.
function scratch(size) {
  const found = scratches.get(size) ?? newCanvas(size);
  scratches.delete(size);
  scratches.set(size, found);
  if (scratches.size > FEW_SCRATCHES) scratches.delete(scratches.keys().next().value);
  const context = found.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalCompositeOperation = "source-over";
  context.clearRect(0, 0, size, size);
  return found;
}

// What the model gets, at exactly its size: the same picture from any screen, however it is zoomed.
function forModel(about, drawing = currentDrawing()) {
  if (drawing.taken) return fitted(drawing.taken, about);
  const pad = newCanvas(about.size);
  pad.getContext("2d", { willReadFrequently: true });
  paint(pad, drawing, about);
  return pad;
}

let paintAsked = false;

function paintSoon() {
  if (paintAsked) return;
  paintAsked = true;
  requestAnimationFrame(() => {
    paintAsked = false;
    paintScreen();
  });
}

function paintScreen() {
  if (seesModel) paintSeen();
  else paint(canvas, currentDrawing(), model, view);
  paintAbove();
  paintWiped();
}

function paintSeen() {
  const context = canvas.getContext("2d");
  const scale = (canvas.width / model.size) * view.zoom;
  context.setTransform(
    scale,
    0,
    0,
    scale,
    (-view.x * canvas.width * view.zoom) / UNITS,
    (-view.y * canvas.width * view.zoom) / UNITS,
  );
  context.imageSmoothingEnabled = false;
  context.fillStyle = NOTHING;
  context.fillRect(0, 0, model.size, model.size);
  context.drawImage(forModel(model), 0, 0);
}

function fitCanvas() {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!side) return; // in a tab that is not shown
  if (canvas.width !== side) canvas.width = canvas.height = side;
  paintScreen(); // at once: a resized canvas is blank
  showCursor();
}

// ---------------------------------------------------------------------------------------------------------- lines

// Colour hints lie under the lines, as in training: a generator that has learned from none sees the lines alone.
function paintLines(context, strokes, about) {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, UNITS, UNITS);
  const layer = about.colourHints ? hintLayer(strokes, about) : null;
  if (layer) context.drawImage(layer, 0, 0, UNITS, UNITS);
  const penWidth = (about.lineWidth * UNITS) / about.size;
  if (!strokes.some(({ tool }) => tool === "eraser")) return paintInk(context, strokes, penWidth);
  const lines = scratch(context.canvas.width); // the eraser takes from the lines, not from what lies below them
  const above = lines.getContext("2d");
  above.setTransform(context.getTransform());
  paintInk(above, strokes, penWidth);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(lines, 0, 0);
}

// The lines on nothing: what the eraser takes is clear.
function paintInk(context, strokes, penWidth) {
  context.fillStyle = "#000";
  for (const line of strokes.filter(({ tool }) => tool === "pen" || tool === "eraser")) {
    context.globalCompositeOperation = line.tool === "eraser" ? "destination-out" : "source-over";
    context.fill(outline(line, line.tool === "pen" ? penWidth : line.width));
  }
}

const outlines = new WeakMap(); // stroke -> its outline as a path, as long as it does not grow

function outline(line, width, cache = outlines) {
  const known = cache.get(line);
  const end = line.points.at(-1);
  if (known?.length === line.points.length && known.end === end && known.width === width) return known.path;
  const path = line.points.length > 1 ? strokePath(line, width) : dotPath(line.points[0], width);
  cache.set(line, { length: line.points.length, end, width, path });
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

// ----------------------------------------------------------------------------------------------------- label maps

// They have no in-between colours: each pixel of the model's grid gets the one of its class, or of its paint; none is
// blended.
function labelMap(drawing, about) {
  const { size, palette } = about;
  const image = new ImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  pixels.fill(colourOf(drawing.background, palette) ?? 0xffffffff);
  const dye = about.painted && drawing.strokes.some(isPaint) ? new Uint32Array(size * size) : null;
  for (const area of drawing.strokes) {
    const colour = colourOf(area.label, palette);
    if (isPaint(area)) {
      if (dye && area.tool !== "inside") addPaint(dye, pixels, size, area, about);
    } else if (colour === undefined) continue;
    else if (area.tool === "fill") flood(pixels, size, pixelAt(area.points[0], size), colour);
    else {
      paintArea(pixels, size, area, colour);
      if (dye) paintArea(dye, size, area, 0); // a wall that is painted anew is bare
    }
  }
  const whole = drawing.strokes.find(({ tool }) => tool === "inside");
  if (dye) layPaint(dye, pixels, size, whole, about);
  return image;
}

function paintArea(pixels, size, area, colour) {
  if (area.tool === "rect") fillRectangle(pixels, size, area.points, colour);
  else sweepBrush(pixels, size, area, colour);
}

function colourOf(name, palette) {
  const colour = palette.find(([known]) => known === name)?.[1];
  return colour && new Uint32Array(new Uint8Array([...colour, 255]).buffer)[0];
}

function labelAt(point) {
  const pixels = new Uint32Array(labelMap(sheet.drawing, { ...model, painted: null }).data.buffer);
  const colour = pixels[pixelAt(point, model.size)];
  return model.palette.find(([name]) => colourOf(name, model.palette) === colour)?.[0];
}

function pixelAt([x, y], size) {
  const within = (value) => Math.max(0, Math.min(size - 1, Math.floor((value * size) / UNITS)));
  return within(y) * size + within(x);
}

function flood(pixels, size, start, colour) {
  const old = pixels[start];
  if (old === colour) return;
  const waiting = [start];
  while (waiting.length) {
    const at = waiting.pop();
    if (pixels[at] !== old) continue;
    pixels[at] = colour;
    if (at % size > 0) waiting.push(at - 1);
    if (at % size < size - 1) waiting.push(at + 1);
    if (at >= size) waiting.push(at - size);
    if (at < size * (size - 1)) waiting.push(at + size);
  }
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
