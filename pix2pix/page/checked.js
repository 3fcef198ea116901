// What comes from outside is data: a drawing is taken apart and only what the page knows of is taken over, in bounds.
const VERSION = 1; // of drawings as files, in pictures and in links
const MOST_TEXT = 1_000_000; // characters of a drawing as JSON
const MOST_STROKES = 5000;
const MOST_WORK = 4e6; // microseconds, or so, to paint it
const MOST_MS = 1e7; // that a stroke takes
const MOST_LETTERS = 200; // of a name
const FAR = 2 * UNITS; // a pen that leaves the paper goes on to here

// The strokes and the background of a drawing, as it may be drawn. Throws an Error, in words, for anything else.
function checked(drawing) {
  const { strokes, background } = drawing ?? {};
  if (!Array.isArray(strokes)) throw new Error("it has no strokes");
  return { strokes: strokes.map(checkedStroke), background: isName(background) ? background : undefined };
}

// The same for a drawing that is not this browser's own: one that would keep it busy for long is refused, too.
function bounded(drawing) {
  if (drawing?.strokes?.length > MOST_STROKES) throw new Error("it has more than " + MOST_STROKES + " strokes");
  const made = checked(drawing);
  if (made.strokes.reduce((sum, line) => sum + workOf(line), 0) > MOST_WORK) throw new Error("it is too much to paint");
  return made;
}

function checkedStroke(given) {
  const { tool, points, width, colour, label, pressure, times, twin: isTwin } = given ?? {};
  if (typeof tool !== "string" || !Object.hasOwn(TOOLS, tool)) throw new Error("a stroke of a tool that is not known");
  const count = { rect: 2, fill: 1, inside: 0 }[tool];
  const isPoint = (point) => Array.isArray(point) && [2, 3].includes(point.length) && point.every(Number.isFinite);
  const fits =
    Array.isArray(points) &&
    points.every(isPoint) &&
    (count === undefined ? points.length > 0 : points.length === count);
  const broad = width === undefined || (width > 0 && width <= UNITS);
  const tintable = !HINTS.includes(tool) || isColour(colour) || (tool === "fill" && isName(label));
  if (!fits || !broad || !tintable) throw new Error("a stroke that cannot be drawn");
  const line = { tool, points: points.map(nearPaper) };
  if (width !== undefined) line.width = width;
  if (isColour(colour)) line.colour = colour;
  if (isName(label)) line.label = label;
  if (pressure === true) line.pressure = true;
  if (areTimes(times, points)) line.times = [...times];
  if (isTwin === true) line.twin = true;
  return line;
}

// Without them, or with others, the pen is taken to have gone at an even speed.
const areTimes = (times, points) =>
  Array.isArray(times) &&
  times.length === points.length &&
  times.every((time, i) => Number.isSafeInteger(time) && time >= (times[i - 1] ?? 0) && time <= MOST_MS);

const isName = (value) => typeof value === "string" && value.length <= MOST_LETTERS;
const isColour = (value) => typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value);

function nearPaper([x, y, pressure]) {
  const near = (value) => Math.max(-FAR, Math.min(FAR, value));
  return pressure === undefined ? [near(x), near(y)] : [near(x), near(y), Math.max(0, Math.min(1, pressure))];
}

// About how many microseconds it takes to paint a stroke, at 256 pixels.
function workOf({ tool, points, width, colour }) {
  if (tool === "inside" || (tool === "fill" && colour)) return 32_000; // the parts of the drawing are found
  if (tool === "rect" || tool === "fill") return 3000;
  return points.reduce((work, [x, y], i) => {
    const [dx, dy] = [x - points[Math.max(0, i - 1)][0], y - points[Math.max(0, i - 1)][1]];
    if (tool === "brush" || tool === "colour") return work + 0.007 * (Math.abs(dx) + width) * (Math.abs(dy) + width);
    return work + 1 + Math.hypot(dx, dy) / STRIDE;
  }, 0);
}
