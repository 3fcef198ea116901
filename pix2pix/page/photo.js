// What a photo shows: a thing on a plain ground, and the main colours of the thing.
const PHOTO_SIDE = 160; // pixels of the longer side, which colours need no more of
const GROUND = 14; // by which a colour may differ from that of the ground, in CIELAB
const PLAIN = 0.6; // of the rim that must have the colour of the ground, or the thing is all of the photo
const SPECKS = 0.01; // of the thing that may lie outside of its box, on each side
const MOST_COLOURS = 6;
const ROUNDS = 12; // of k-means
const ALIKE = 16; // colours that differ by less are one
const SHADE_COUNTS = 0.5; // of how light a colour is: a fold is no other colour
const RARE = 0.04; // of the thing: a colour of less is none of its main ones

// { width, height, data, names, box }: its pixels in RGBA, the number of the main colour that each has, or -1 on the
// ground, and the box of the thing. `photo` is an image that has loaded.
function readPhoto(photo) {
  const scale = PHOTO_SIDE / Math.max(photo.naturalWidth, photo.naturalHeight);
  const pad = document.createElement("canvas");
  pad.width = Math.max(1, Math.round(photo.naturalWidth * scale));
  pad.height = Math.max(1, Math.round(photo.naturalHeight * scale));
  const context = pad.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // what shines through
  context.fillRect(0, 0, pad.width, pad.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(photo, 0, 0, pad.width, pad.height);
  const { width, height } = pad;
  const { data } = context.getImageData(0, 0, width, height);
  const labs = Array.from({ length: width * height }, (_, i) => toLab(data[4 * i], data[4 * i + 1], data[4 * i + 2]));
  const thing = thingOf(labs, width, height);
  return { width, height, data, names: mainColours(labs, thing), box: boxOf(thing, width, height) };
}

// CIELAB of a colour in sRGB, with white at (100, 0, 0).
function toLab(...rgb) {
  const [red, green, blue] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const [x, y, z] = [
    (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
    0.2126 * red + 0.7152 * green + 0.0722 * blue,
    (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
  ].map((value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const apart = (one, two) => Math.hypot(SHADE_COUNTS * (one[0] - two[0]), one[1] - two[1], one[2] - two[2]);

// 1 where the thing is: what is not reached from the rim over the colour of the rim.
function thingOf(labs, width, height) {
  const rim = [];
  for (let x = 0; x < width; x++) rim.push(x, (height - 1) * width + x);
  for (let y = 0; y < height; y++) rim.push(y * width, y * width + width - 1);
  const middle = (values) => values.toSorted((one, two) => one - two)[values.length >> 1];
  const ground = [0, 1, 2].map((axis) => middle(rim.map((at) => labs[at][axis])));
  const isGround = (at) => Math.hypot(...labs[at].map((value, axis) => value - ground[axis])) < GROUND;
  const thing = new Uint8Array(labs.length).fill(1);
  if (rim.filter(isGround).length < PLAIN * rim.length) return thing;
  const waiting = [...rim];
  while (waiting.length) {
    const at = waiting.pop();
    if (!thing[at] || !isGround(at)) continue;
    thing[at] = 0;
    const x = at % width;
    if (x > 0) waiting.push(at - 1);
    if (x < width - 1) waiting.push(at + 1);
    if (at >= width) waiting.push(at - width);
    if (at < width * (height - 1)) waiting.push(at + width);
  }
  return thing.includes(1) ? thing : thing.fill(1);
}

// In pixels: left, top, right, bottom, the last two not within. Null: there is no thing.
function boxOf(thing, width, height) {
  const [columns, rows] = [new Float64Array(width), new Float64Array(height)];
  thing.forEach((isIn, at) => {
    columns[at % width] += isIn;
    rows[Math.floor(at / width)] += isIn;
  });
  const all = columns.reduce((sum, count) => sum + count, 0);
  if (!all) return null;
  const [left, right] = innerPart(columns, all);
  const [top, bottom] = innerPart(rows, all);
  return { left, top, right, bottom };
}

function innerPart(counts, all) {
  const edge = (list) => {
    let sum = 0;
    return list.findIndex((count) => (sum += count) > SPECKS * all);
  };
  return [edge(counts), counts.length - edge(counts.toReversed())];
}

// k-means from the colours that are farthest from each other; then those that are alike are put together.
function mainColours(labs, thing) {
  const names = new Int8Array(labs.length).fill(-1);
  const within = [...labs.keys()].filter((at) => thing[at]);
  if (!within.length) return names;
  let middles = farApart(within.map((at) => labs[at]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const at of within) names[at] = nearestOf(middles, labs[at]);
    middles = middles.map(
      (middle, name) => meanOf(within.filter((at) => names[at] === name).map((at) => labs[at])) ?? middle,
    );
  }
  const counts = middles.map((_, name) => within.filter((at) => names[at] === name).length);
  const order = [...middles.keys()].toSorted((one, two) => counts[two] - counts[one]);
  const same = new Map(); // from the number of a colour to that of a more frequent one that it is like
  for (const [i, name] of order.entries()) {
    const like = order
      .slice(0, i)
      .find((each) => same.get(each) === each && apart(middles[each], middles[name]) < ALIKE);
    same.set(name, like ?? name);
  }
  for (const at of within) names[at] = same.get(names[at]);
  const areas = new Map();
  for (const at of within) areas.set(names[at], (areas.get(names[at]) ?? 0) + 1);
  for (const at of within) if (areas.get(names[at]) < RARE * within.length) names[at] = -1;
  return names;
}

function farApart(labs) {
  const middles = [meanOf(labs)];
  const away = labs.map((lab) => apart(lab, middles[0]));
  while (middles.length < MOST_COLOURS) {
    const farthestOne = away.reduce((most, value, i) => (value > away[most] ? i : most), 0);
    if (away[farthestOne] < ALIKE) break;
    middles.push(labs[farthestOne]);
    labs.forEach((lab, i) => (away[i] = Math.min(away[i], apart(lab, labs[farthestOne]))));
  }
  return middles;
}

const nearestOf = (middles, lab) =>
  middles.reduce((best, middle, i) => (apart(middle, lab) < apart(middles[best], lab) ? i : best), 0);

function meanOf(labs) {
  if (!labs.length) return null;
  return [0, 1, 2].map((axis) => labs.reduce((sum, lab) => sum + lab[axis], 0) / labs.length);
}
