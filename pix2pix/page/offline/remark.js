// What is unlike about an input, in one sentence: as input_checks.py finds it, by the same bounds and in the same words.
// `data`: RGBA, opaque, of a square.
function remarkOn(data, side, about, checks) {
  const area = side * side;
  const pixels = Array.from({ length: area }, (_, i) => data.subarray(4 * i, 4 * i + 3));
  if (about.palette) {
    const distances = pixels.map((pixel) => nearestColour(pixel, about.palette));
    if (about.colourHints && hasHints(pixels, distances, checks)) return "";
    const far = distances.filter((distance) => distance > checks.FAR).length;
    return far / area > checks.STRANGE ? checks.NO_LABELS.replace("{count}", about.palette.length) : "";
  }
  const grey = pixels.map(([red, green, blue]) => (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16);
  const mean = grey.reduce((sum, level) => sum + level, 0) / area;
  const deviation = Math.sqrt(grey.reduce((sum, level) => sum + (level - mean) ** 2, 0) / area);
  if (deviation < checks.PLAIN) return checks.EMPTY;
  if (about.kind !== "edges") return "";
  const paper = grey.filter((level) => level >= checks.LIGHT).length / area;
  const ink = grey.filter((level) => level <= checks.DARK).length / area;
  if (ink > checks.SHEET && paper < ink) return checks.INVERTED;
  if (isPhoto(pixels, side, about.colourHints ? checks.SOFT_HINT : checks.TEXTURE, checks)) return checks.PHOTO;
  return aboutLines(grey, pixels, side, about, checks);
}

// Drawn with the palette: what is in none of its colours is far from them, and of few colours.
function hasHints(pixels, distances, { FAR, MOST_HINTS }) {
  const far = pixels.filter((_, i) => distances[i] > FAR);
  const isDrawn = distances.every((distance) => distance === 0 || distance > FAR);
  return (
    isDrawn &&
    far.length > 0 &&
    new Set(far.map(([red, green, blue]) => 65536 * red + 256 * green + blue)).size <= MOST_HINTS
  );
}

function nearestColour(pixel, palette) {
  return Math.min(...palette.map(([, colour]) => Math.hypot(...colour.map((level, band) => level - pixel[band]))));
}

// Texture inside of what is no paper, which lines and the even colours of hints and filled parts have not.
function isPhoto(pixels, side, texture, { PAPER, LINE, RIM, AREA, TEXTURED }) {
  const grey = pixels.map(([red, green, blue]) => red + green + blue); // thrice, so that it is exact
  const mirrored = (place) => (place < 0 ? 1 : place >= side ? side - 2 : place);
  const at = (y, x) => grey[mirrored(y) * side + mirrored(x)];
  const bend = grey.map((level, i) => {
    const [y, x] = [Math.floor(i / side), i % side];
    return Math.abs(at(y - 1, x) + at(y + 1, x) + at(y, x - 1) + at(y, x + 1) - 4 * level);
  });
  const outside = pixels.map((pixel, i) => Math.min(...pixel) >= PAPER || bend[i] > 3 * LINE);
  const near = widened(outside, side, RIM);
  const inside = bend.filter((_, i) => !near[i]);
  return (
    inside.length / pixels.length >= AREA && inside.filter((by) => by > 3 * texture).length / inside.length > TEXTURED
  );
}

// Where something is true within so many pixels.
function widened(places, side, by) {
  const wide = new Uint8Array(places.length);
  places.forEach((is, i) => {
    if (!is) return;
    const [y, x] = [Math.floor(i / side), i % side];
    for (let row = Math.max(0, y - by); row <= Math.min(side - 1, y + by); row++) {
      wide.fill(1, row * side + Math.max(0, x - by), row * side + Math.min(side - 1, x + by) + 1);
    }
  });
  return wide;
}

// Far thicker or denser lines than those that it learned. Dark hints may be of any width, but lie below lines.
function aboutLines(grey, pixels, side, about, checks) {
  const isColoured = (pixel) => Math.max(...pixel) - Math.min(...pixel) > checks.DARK; // hints are no lines
  const lines = grey.map((level, i) => level < (checks.DARK + checks.LIGHT) / 2 && !isColoured(pixels[i]));
  const depth = depthsOf(lines, side);
  const depths = Array.from(depth.filter((each) => each > 0));
  if (!depths.length) return "";
  depths.sort((a, b) => a - b);
  const place = 0.95 * (depths.length - 1);
  const [below, above] = [depths[Math.floor(place)], depths[Math.ceil(place)]];
  const width = 2 * (below + (above - below) * (place % 1)) - 1;
  const learned = (about.lineWidth * checks.LOOKED_AT) / about.size;
  const widest = checks.THICK * Math.max(checks.THINNEST, learned);
  const isNearThick = widened(
    lines.map((_, i) => depth[(Math.floor(i / side) + 1) * (side + 2) + (i % side) + 1] > (widest + 1) / 2),
    side,
    Math.floor(widest),
  );
  const thin = lines.filter((is, i) => is && !isNearThick[i]).length / grey.length;
  if (width > widest && !(about.colourHints && (width > checks.WIDEST || thin > checks.FEW_LINES))) {
    const words = checks.THICK_LINES.replace("{width}", Math.round(width)).replace("{of}", checks.LOOKED_AT);
    return words.replace("{learned}", Number(learned.toPrecision(3)));
  }
  return (about.colourHints ? thin : depths.length / grey.length) > checks.DENSE ? checks.DENSE_LINES : "";
}

// How far each pixel of a line is from what is none, with a rim of one pixel: the chamfer distance that OpenCV has for
// L2, with its two steps.
function depthsOf(lines, side) {
  const [straight, slanted, wide] = [0.955, 1.3693, side + 2];
  const depth = new Float32Array(wide * wide); // with a rim that is no line
  const relax = (i, steps) => {
    for (const [step, by] of steps) depth[i] = Math.min(depth[i], depth[i + step] + by);
  };
  lines.forEach((is, i) => is && (depth[(Math.floor(i / side) + 1) * wide + (i % side) + 1] = Infinity));
  const before = [
    [-wide - 1, slanted],
    [-wide, straight],
    [-wide + 1, slanted],
    [-1, straight],
  ];
  for (let i = wide + 1; i < depth.length - wide - 1; i++) if (depth[i]) relax(i, before);
  for (let i = depth.length - wide - 2; i > wide; i--)
    if (depth[i])
      relax(
        i,
        before.map(([step, by]) => [-step, by]),
      );
  return depth;
}
