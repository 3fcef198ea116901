// A label map in just the colours of its palette, as `coloured` in pix2pix/classes.py and `snap` in pix2pix/palette.py
// make it: one of class numbers is coloured, and one that was saved as JPEG has smeared borders, whose colours stand for
// classes that are not there.
const FAR = 64; // from a colour of the palette, as red, green and blue go from 0 to 255
const MOST_HINTS = 100; // colours that were painted over the classes; photos have more
const FEWEST_VOTES = 3; // of a pixel and the eight around it

// Pixels, RGBA, size x size: changed in place.
function snapped(data, { size, palette, colourHints }) {
  colourNumbers(data, palette);
  const { classes, distances } = nearestClasses(data, palette);
  if (distances.every((distance) => !distance) || (colourHints && hasHints(data, distances))) return data;
  for (const [i, winner] of commonest(classes, size, palette.length).entries()) data.set(palette[winner][1], 4 * i);
  return data;
}

// Where all that it holds are numbers with which the names of the palette begin, each of them.
function colourNumbers(data, palette) {
  if (!palette.every(([name]) => /^\s*\d+(\s|$)/.test(name))) return;
  const colours = new Map(palette.map(([name, colour]) => [Number.parseInt(name), colour]));
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2] || !colours.has(data[i])) return;
  }
  for (let i = 0; i < data.length; i += 4) data.set(colours.get(data[i]), i);
}

// The class whose colour is nearest to that of each pixel, the first of two; and the distance, squared.
function nearestClasses(data, palette) {
  const classes = new Uint8Array(data.length / 4);
  const distances = new Uint32Array(classes.length).fill(0xffffffff);
  for (const [index, [, [red, green, blue]]] of palette.entries()) {
    for (let i = 0; i < classes.length; i++) {
      const distance = (data[4 * i] - red) ** 2 + (data[4 * i + 1] - green) ** 2 + (data[4 * i + 2] - blue) ** 2;
      if (distance >= distances[i]) continue;
      distances[i] = distance;
      classes[i] = index;
    }
  }
  return { classes, distances };
}

// Whether all that is of no class is far from all of them, and of few colours: that was drawn.
function hasHints(data, distances) {
  const colours = new Set();
  for (const [i, distance] of distances.entries()) {
    if (!distance) continue;
    if (distance <= FAR ** 2) return false;
    colours.add(data.subarray(4 * i, 4 * i + 3).join());
    if (colours.size > MOST_HINTS) return false;
  }
  return true;
}

// The commonest class of the nine around and in each pixel, the first of two; its own where none has three of them.
function commonest(classes, size, count) {
  const votes = new Uint8Array(count);
  return classes.map((own, i) => {
    const [left, top] = [i % size, Math.floor(i / size)];
    votes.fill(0);
    for (let y = Math.max(0, top - 1); y <= Math.min(size - 1, top + 1); y++) {
      for (let x = Math.max(0, left - 1); x <= Math.min(size - 1, left + 1); x++) votes[classes[y * size + x]]++;
    }
    const most = Math.max(...votes);
    return most < FEWEST_VOTES ? own : votes.indexOf(most);
  });
}
