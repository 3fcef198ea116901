// Paint in label maps: pixels whose colour stands for no class are of the one class that can be painted, the walls, and
// say in which colour. They keep off all other classes, as those that the generator has learned from did.
const RIM = 3; // pixels at 256 between paint and another class; the generator has seen 1.5 to 5
const CLASS_REACH = 64; // of 255: what is nearer to the colour of a class is that class (`FAR` in pix2pix/palette.py)
const GREYER = 20; // steps from a colour to its grey

const isPaint = ({ tool, colour }) => HINTS.includes(tool) && Boolean(colour);

// A stroke paints the walls that it goes over, a fill the wall where it is. Into `dye`, a pixel of the map each.
function addPaint(dye, pixels, size, line, { palette, painted }) {
  const [wall, colour] = [colourOf(painted, palette), paintPixel(line.colour, palette)];
  const over = new Uint32Array(size * size);
  if (line.tool === "colour") sweepBrush(over, size, line, 1);
  else {
    const left = pixels.slice();
    flood(left, size, pixelAt(line.points[0], size), 0); // which no class is: they are opaque
    for (let at = 0; at < left.length; at++) over[at] = left[at] === 0;
  }
  for (let at = 0; at < over.length; at++) if (over[at] && pixels[at] === wall) dye[at] = colour;
}

// What is still a wall gets its paint, and its rim none. What is for all walls leaves other paint.
function layPaint(dye, pixels, size, whole, { palette, painted }) {
  const wall = colourOf(painted, palette);
  const everywhere = whole && paintPixel(whole.colour, palette);
  const deep = wellWithin(pixels, size);
  for (let at = 0; at < deep.length; at++) if (deep[at] === wall) pixels[at] = dye[at] || everywhere || wall;
}

// The same pixels, 0 where one is near to another class. The frame of the map is no rim.
function wellWithin(pixels, size) {
  const reach = Math.max(1, Math.round((RIM * size) / 256));
  const deep = pixels.slice();
  for (let line = 0; line < size; line++) keepInner(deep, size, reach, line * size, 1);
  for (let line = 0; line < size; line++) keepInner(deep, size, reach, line, size);
  return deep;
}

// Of each run of one value along a line, the ends become 0.
function keepInner(values, size, reach, start, next) {
  for (let from = 0, to; from < size; from = to) {
    const value = values[start + next * from];
    for (to = from + 1; to < size && values[start + next * to] === value;) to++;
    const [first, last] = [from && from + reach, to < size ? to - reach : size];
    for (let i = from; i < to; i++) if (i < first || i >= last) values[start + next * i] = 0;
  }
}

// As a pixel of a map, made greyer as far as it would else be taken for a class (`apart` in pix2pix/palette.py).
function paintPixel(colour, palette) {
  const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const grey = (wanted[0] + wanted[1] + wanted[2]) / 3;
  const isFree = (made) =>
    palette.every(([, each]) => Math.hypot(...made.map((level, i) => level - each[i])) > CLASS_REACH);
  const tries = Array.from({ length: GREYER + 1 }, (_, i) =>
    wanted.map((level) => Math.round(level + (i / GREYER) * (grey - level))),
  );
  const made = tries.find(isFree) ?? [128, 128, 128];
  return new Uint32Array(new Uint8Array([...made, 255]).buffer)[0];
}

// Of the walls of a map that are broad enough to be painted the share that has no paint of its own; null: there are none.
function bareWalls(drawing, about) {
  const own = { ...drawing, strokes: drawing.strokes.filter(({ tool }) => tool !== "inside") };
  const all = countWall(own, about, null);
  return all ? countWall(own, about, about.painted) / all : null;
}

const walls = [];

function countWall(drawing, about, painted) {
  const pixels = new Uint32Array(labelMap(drawing, { ...about, painted }).data.buffer);
  const wall = colourOf(about.painted, about.palette);
  const count = () => wellWithin(pixels, about.size).reduce((sum, value) => sum + (value === wall), 0);
  return remembered(walls, pixels, count);
}
