// A link that is a drawing: its strokes, squeezed, behind the # of the page's address, which browsers send to no server.
const FRAGMENT = "#drawing=";
const FINEST = 100; // parts of a unit that a place is told in, as the pen tells it
const FINEST_PRESSURE = 1000;
const SHORT = 4000; // characters: a longer link gets fewer points, since mail and chat cut long ones
const COARSER = [0.1, 0.2, 0.4]; // units by which a line may then run beside itself
const LONGEST = 32_000; // characters of a link that is still made
const MOST_LINK = 100_000; // characters of a link that is still read

// Takes and gives what `memoryOf` makes. An address, and whether its lines are simpler; null: it would be too long.
async function linkTo(memory) {
  const home = location.href.split("#")[0] + FRAGMENT;
  let link = home + (await packedLink(memory));
  for (const tolerance of link.length > SHORT ? COARSER : []) {
    const strokes = memory.strokes.map((line) => ({ ...line, points: thinned(line.points, tolerance) }));
    link = home + (await packedLink({ ...memory, strokes }));
    if (link.length <= SHORT) return { link, simpler: true };
  }
  return link.length <= LONGEST ? { link, simpler: link.length > SHORT } : null;
}

async function packedLink(memory) {
  const text = JSON.stringify({ ...memory, strokes: memory.strokes.map(asNumbers) });
  const bytes = await squeezed(new TextEncoder().encode(text), "deflate-raw");
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// What the fragment of an address holds, still to be checked; null: no drawing. Throws an Error, in words.
async function linked(fragment) {
  if (!fragment.startsWith(FRAGMENT)) return null;
  if (fragment.length > MOST_LINK) throw new Error("it is too long");
  const bytes = bytesOf(fragment.slice(FRAGMENT.length).replaceAll("-", "+").replaceAll("_", "/"));
  const memory = JSON.parse(new TextDecoder().decode(await unsqueezed(bytes, "deflate-raw", MOST_TEXT)));
  if (!Array.isArray(memory?.strokes)) throw new Error("it has no strokes");
  return { ...memory, strokes: memory.strokes.map(asPoints) };
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

// Without times, which nobody sees, and with points as whole numbers, each the change of the change from point to point: small numbers, which squeeze well.
function asNumbers({ points, times, ...line }) {
  const axis = (at, finest) => changes(changes(points.map((point) => Math.round((point[at] ?? 0.5) * finest))));
  const numbers = { ...line, x: axis(0, FINEST), y: axis(1, FINEST) };
  return points[0]?.length > 2 ? { ...numbers, p: axis(2, FINEST_PRESSURE) } : numbers;
}

function asPoints({ x, y, p, ...line }) {
  if (![x, y, p ?? []].every((axis) => Array.isArray(axis) && axis.every(Number.isSafeInteger))) {
    throw new Error("a stroke that cannot be drawn");
  }
  const [xs, ys, ps] = [x, y, p ?? []].map((axis) => sums(sums(axis)));
  return {
    ...line,
    points: xs.map((value, i) => [value / FINEST, ys[i] / FINEST, ...(p ? [ps[i] / FINEST_PRESSURE] : [])]),
  };
}

const changes = (numbers) => numbers.map((value, i) => value - (numbers[i - 1] ?? 0));

function sums(numbers) {
  let sum = 0;
  return numbers.map((value) => (sum += value));
}

// A line by fewer points, none of which leaves it by more than the tolerance (Ramer, Douglas and Peucker).
function thinned(points, tolerance) {
  if (points.length < 3) return points;
  const kept = new Set([0, points.length - 1]);
  const spans = [[0, points.length - 1]];
  while (spans.length) {
    const [first, last] = spans.pop();
    const [away, at] = farthest(points, first, last);
    if (away <= tolerance) continue;
    kept.add(at);
    spans.push([first, at], [at, last]);
  }
  return points.filter((_, i) => kept.has(i));
}

// How far a point between two others is from the straight line between those at most, and which one.
function farthest(points, first, last) {
  const [[ax, ay], [bx, by]] = [points[first], points[last]];
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy || 1;
  let [most, at] = [0, first];
  for (let i = first + 1; i < last; i++) {
    const [px, py] = [points[i][0] - ax, points[i][1] - ay];
    const along = Math.max(0, Math.min(1, (px * dx + py * dy) / square));
    const away = Math.hypot(px - along * dx, py - along * dy);
    if (away > most) [most, at] = [away, i];
  }
  return [most, at];
}
