// Colours from a photo: the main colours of what it shows become hints, in the places of the drawing where they were.
const FILLED = 0.7; // of a part that must have one colour, or it gets dabs of each
const NOTEWORTHY = 0.06; // of a part: a colour of less gets no dab there
const MOST_DABS = 12; // of a colour in a part
const [FINEST_DAB, BROADEST_DAB] = [4, 28]; // units, as in training
const PALE = 232; // of 255, as in training: a lighter colour is not seen on paper
const PALEST_HINT = 224;

// The hints that the drawing had before give way; it is one step, which can be undone.
function takeColours() {
  const photo = readPhoto(traced);
  const lines = sheet.drawing.strokes.filter(({ tool: kind }) => !HINTS.includes(kind));
  const { parts } = regions(lines, model);
  const fit = photo.box && fitOf(photo, parts, model.size);
  if (!fit) return showStatus("The colours have no place yet: no outline encloses anything.", true);
  const hints = [...new Set(parts)]
    .filter((part) => part !== PAPER && part !== LINE)
    .flatMap((part) => hintsOf(part, parts, photo, fit));
  find(".trace").focus({ preventScroll: true }); // what has the focus now goes away
  untrace();
  commit({ ...sheet.drawing, strokes: [...lines, ...hints] });
}

// From each pixel of the drawing's thing to one of the photo's, box onto box; mirrored, if that fits better. -1: none.
function fitOf(photo, parts, size) {
  const thing = parts.map((part) => part !== PAPER);
  if (!parts.some((part) => part !== PAPER && part !== LINE)) return null;
  const box = boxOf(thing, size, size);
  const fits = [false, true].map((flip) => {
    const fit = new Int32Array(thing.length).fill(-1);
    let both = 0;
    thing.forEach((isIn, at) => {
      if (!isIn) return;
      const share = ((at % size) + 0.5 - box.left) / (box.right - box.left);
      const to = placeIn(
        photo,
        flip ? 1 - share : share,
        (Math.floor(at / size) + 0.5 - box.top) / (box.bottom - box.top),
      );
      fit[at] = photo.names[to] < 0 ? -1 : to;
      both += fit[at] >= 0;
    });
    return { fit, both };
  });
  return fits[1].both > fits[0].both ? fits[1].fit : fits[0].fit;
}

function placeIn({ width, height, box }, x, y) {
  const inside = (value, most) => Math.max(0, Math.min(most - 1, Math.floor(value)));
  const column = inside(box.left + x * (box.right - box.left), width);
  return inside(box.top + y * (box.bottom - box.top), height) * width + column;
}

// One fill where one colour rules, else dabs.
function hintsOf(part, parts, photo, fit) {
  const places = new Map(); // number of a main colour -> pixels of this part of the drawing
  let all = 0;
  parts.forEach((each, at) => {
    if (each !== part || fit[at] < 0) return;
    const name = photo.names[fit[at]];
    if (!places.has(name)) places.set(name, []);
    places.get(name).push(at);
    all += 1;
  });
  if (all < SMALLEST_PART) return [];
  const ordered = [...places.values()].toSorted((one, two) => two.length - one.length);
  const hint = (pixels) =>
    medianColour(
      photo,
      pixels.map((at) => fit[at]),
    );
  if (ordered[0].length > FILLED * all) {
    return [{ tool: "fill", colour: hint(ordered[0]), points: [insidePoint(parts, part, model.size)] }];
  }
  const noteworthy = ordered.filter((pixels) => pixels.length > NOTEWORTHY * all);
  return noteworthy.flatMap((pixels) => dabsOf(pixels, hint(pixels)));
}

// As large as they fit into their place, one after the other.
function dabsOf(pixels, tint) {
  const { size } = model;
  const scale = UNITS / size;
  const outside = new Uint8Array(size * size).fill(1);
  for (const at of pixels) outside[at] = 0;
  const dabs = [];
  while (dabs.length < MOST_DABS) {
    const depth = distances(outside, size);
    const at = depth.reduce((best, value, i) => (value > depth[best] ? i : best), 0);
    const width = Math.min(BROADEST_DAB, 2 * scale * depth[at]);
    if (width < FINEST_DAB) break;
    const [x, y] = [at % size, Math.floor(at / size)];
    dabs.push({ tool: "colour", colour: tint, width, points: [[(x + 0.5) * scale, (y + 0.5) * scale]] });
    for (const each of pixels) {
      if (Math.hypot((each % size) - x, Math.floor(each / size) - y) < width / scale / 2 + 1) outside[each] = 1;
    }
  }
  return dabs;
}

// Of what is too pale for paper a shade that is seen; where it is a smaller part, it does not count.
function medianColour({ data }, pixels) {
  const isSeen = (at) => Math.min(data[4 * at], data[4 * at + 1], data[4 * at + 2]) < PALE;
  const seen = pixels.filter(isSeen);
  const isPale = 2 * seen.length < pixels.length;
  const channels = [0, 1, 2].map((axis) => {
    const values = (isPale ? pixels : seen).map((at) => data[4 * at + axis]).toSorted((one, two) => one - two);
    return Math.min(isPale ? PALEST_HINT : 255, values[values.length >> 1]);
  });
  return "#" + channels.map((value) => value.toString(16).padStart(2, "0")).join("");
}
