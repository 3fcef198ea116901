// The parts of a drawing: what its lines enclose, also where the outline has a gap of some pixels.
const GAP = 7; // units: the broadest gap that is closed
const MARGIN = 0.2; // of its half thickness that the inside keeps from the outline; training has seen 0.1 to 0.6
const THINNEST = 4; // units of half thickness that a drawing must have somewhere, or it has no inside
const PAPER = 1; // the number of the part around everything
const LINE = 0xffff;

const RECENT = 8; // results that are kept of what takes some ms

// What was made of the same numbers lately is taken again.
function remembered(store, key, make) {
  const isSame = (known) => known.length === key.length && known.every((value, i) => value === key[i]);
  const at = store.findIndex((each) => isSame(each.key));
  store.push(at >= 0 ? store.splice(at, 1)[0] : { key, made: make() });
  if (store.length > RECENT) store.shift();
  return store.at(-1).made;
}

const partsOfLines = [];

// parts: the number of the part that each pixel of the model's grid belongs to, or LINE; inside: 1 within all but
// a margin of what the lines enclose, else 0, or null where they enclose nothing.
function regions(strokes, about) {
  const lines = lineMask(strokes, about);
  return remembered(partsOfLines, lines, () => {
    const parts = partsOf(lines, about.size);
    return { parts, inside: insideOf(parts, about.size) };
  });
}

// 1 where the paper is more line than paper, at the model's size and in its pen's width.
function lineMask(strokes, { size, lineWidth }) {
  const pad = newCanvas(size);
  const context = pad.getContext("2d", { willReadFrequently: true });
  context.setTransform(size / UNITS, 0, 0, size / UNITS, 0, 0);
  paintInk(context, strokes, (lineWidth * UNITS) / size);
  const { data } = context.getImageData(0, 0, size, size);
  const mask = new Uint8Array(size * size);
  for (let i = 0; i < mask.length; i++) mask[i] = data[4 * i + 3] > 127;
  return mask;
}

// Lines are thickened until gaps close. What is left are the hearts of the parts; all grow back at once, so that they
// meet in the gaps. The paper grows no further than the lines were thickened, or it would run through a gap into a
// part that is too narrow for a heart of its own; such parts come last.
function partsOf(lines, size) {
  const side = size + 2; // with a frame of paper around
  const parts = new Uint16Array(side * side).fill(PAPER);
  const reach = (GAP * size) / UNITS / 2;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) parts[(y + 1) * side + x + 1] = lines[y * size + x] ? LINE : 0;
  }
  const hearts = distances(
    parts.map((part) => part === LINE),
    side,
  ).map((away) => away > reach);
  const count = nameParts(parts, hearts, side, PAPER);
  growBack(parts, side, Math.ceil(2 * reach));
  nameParts(parts, hearts.fill(1), side, count);
  const inFrame = new Uint16Array(size * size);
  for (let y = 0; y < size; y++) inFrame.set(parts.subarray((y + 1) * side + 1, (y + 2) * side - 1), y * size);
  return inFrame;
}

// Numbers what is free and open, from what touches the frame on: that is paper. Returns the highest number.
function nameParts(parts, isOpen, side, count) {
  const steps = [-1, 1, -side, side];
  const spread = (start, part) => {
    if (parts[start] || !isOpen[start]) return false;
    const waiting = [start];
    parts[start] = part;
    while (waiting.length) {
      const at = waiting.pop();
      for (const step of steps) {
        if (parts[at + step] || !isOpen[at + step]) continue;
        parts[at + step] = part;
        waiting.push(at + step);
      }
    }
    return true;
  };
  for (let i = 1; i < side - 1; i++) {
    for (const at of [side + i, side * (side - 2) + i, side * i + 1, side * i + side - 2]) spread(at, PAPER);
  }
  for (let at = 0; at < parts.length; at++) if (spread(at, count + 1)) count += 1;
  return count;
}

function growBack(parts, side, paperReach) {
  const steps = [-1, 1, -side, side];
  let rim = [];
  for (let at = side; at < parts.length - side; at++) if (parts[at] && parts[at] !== LINE) rim.push(at);
  for (let reach = 0; rim.length; reach++) {
    const next = [];
    for (const at of rim) {
      if (parts[at] === PAPER && reach >= paperReach) continue;
      for (const step of steps) {
        if (parts[at + step]) continue;
        parts[at + step] = parts[at];
        next.push(at + step);
      }
    }
    rim = next;
  }
}

// A mask of the part under a point, of the nearest one if a line is there; null: it is the paper around everything.
function partAt(parts, [x, y], size) {
  const scale = size / UNITS;
  const start = pixelAt([x, y], size);
  let [part, nearest] = [parts[start], Infinity];
  for (let at = 0; parts[start] === LINE && at < parts.length; at++) {
    const distance = Math.hypot((at % size) + 0.5 - x * scale, Math.floor(at / size) + 0.5 - y * scale);
    if (parts[at] !== LINE && distance < nearest) [part, nearest] = [parts[at], distance];
  }
  return part === PAPER || part === LINE ? null : parts.map((each) => each === part);
}

// A place well within a part, in units.
function insidePoint(parts, part, size) {
  const depth = distances(
    parts.map((each) => each !== part),
    size,
  );
  const at = depth.indexOf(depth.reduce((most, value) => Math.max(most, value)));
  return [((at % size) + 0.5) * (UNITS / size), (Math.floor(at / size) + 0.5) * (UNITS / size)];
}

function insideOf(parts, size) {
  if (!parts.some((part) => part !== PAPER && part !== LINE)) return null; // a broad line is no thing
  const depth = distances(
    parts.map((part) => part === PAPER),
    size,
  );
  let deepest = 0;
  for (const value of depth) deepest = Math.max(deepest, value);
  if (!Number.isFinite(deepest) || deepest < (THINNEST * size) / UNITS) return null;
  return depth.map((value) => value > MARGIN * deepest);
}

// How far each pixel is from the nearest one of a mask, in pixels: along rows, columns and diagonals.
function distances(mask, size) {
  const away = new Float32Array(mask.length).fill(Infinity);
  for (let at = 0; at < mask.length; at++) if (mask[at]) away[at] = 0;
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) closer(away, size, x, y, -1);
  for (let y = size - 1; y >= 0; y--) for (let x = size - 1; x >= 0; x--) closer(away, size, x, y, 1);
  return away;
}

function closer(away, size, x, y, step) {
  const at = y * size + x;
  const beside = x + step;
  const above = y + step;
  let least = away[at];
  if (beside >= 0 && beside < size) least = Math.min(least, away[at + step] + 1);
  if (above >= 0 && above < size) {
    const over = at + step * size;
    least = Math.min(least, away[over] + 1);
    if (x > 0) least = Math.min(least, away[over - 1] + Math.SQRT2);
    if (x < size - 1) least = Math.min(least, away[over + 1] + Math.SQRT2);
  }
  away[at] = least;
}
