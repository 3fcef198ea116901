// A plot of lines over the steps. A drag along it zooms, a double click shows all again, and so do the keys + - 0 and
// the arrows; the value axis is linear or logarithmic.
const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [220, 52, 10, 10, 26]; // pixels
const DIGIT = 7; // pixels that one is wide at most
const LEAST_DRAG = 8; // pixels: less is a click
const ZOOM_BY = 2;
const FLAT = 1e-9; // of its size: a curve that varies by less is level
const MOST_DECADES = 6; // that are marked

// `zoomed` is called with [first, last] of the steps that someone wants to see, or null for all. The plot itself shows
// what `show` says: lines as { name, colour, dash, points: [[step, value], …] }.
function newPlot(title, zoomed) {
  const figure = document.createElement("figure");
  figure.className = "plot";
  const [caption, legend] = ["figcaption", "p"].map((name) => document.createElement(name));
  caption.textContent = title;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title + ". Plus and minus zoom, the arrows move, 0 shows all.");
  figure.append(caption, svg, legend);
  const plot = { svg, legend, lines: [], range: null, isLog: false, title, from: null };
  const listen = (type, act) => svg.addEventListener(type, (event) => act(plot, event, zoomed));
  listen("pointerdown", beginDrag);
  listen("pointermove", drag);
  listen("pointerup", endDrag);
  listen("pointercancel", leave);
  listen("pointerleave", leave);
  listen("dblclick", () => zoomed(null));
  listen("keydown", zoomByKey);
  new ResizeObserver(() => drawPlot(plot)).observe(svg);
  return { figure, show: (lines, range, isLog) => drawPlot(Object.assign(plot, { lines, range, isLog })) };
}

function drawPlot(plot) {
  const { svg, isLog } = plot;
  const width = svg.clientWidth;
  if (!width) return; // it is not seen
  const lines = plot.lines.map((line) => ({ ...line, points: seenPoints(plot, line.points) }));
  const all = lines.flatMap(({ points }) => points);
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  plot.width = width;
  plot.ends = endsOf(plot);
  const values = all.map(([, value]) => value);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (!all.length) [low, high] = [isLog ? 0.1 : 0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low <= FLAT * size)
    [low, high] = isLog ? [low / 2, high * 2] : [low - (size || 1) / 2, high + (size || 1) / 2];
  const scaled = isLog ? Math.log10 : (value) => value;
  const down = (value) =>
    TOP + ((scaled(high) - scaled(value)) / (scaled(high) - scaled(low))) * (HEIGHT - TOP - BOTTOM);
  const across = (step) => acrossOf(plot, step);
  const paths = lines.map(({ colour, dash, points }) => {
    const places = points.map(([step, value]) => across(step).toFixed(1) + " " + down(value).toFixed(1));
    const path = places.length === 1 ? "M" + places[0] + "h1" : "M" + places.join("L");
    return points.length ? `<path d="${path}" stroke="${colour}" stroke-dasharray="${dash ?? ""}"/>` : "";
  });
  const rows = (isLog ? logTicks : ticks)(low, high).map(
    (value) =>
      `<path class="grid" d="M${LEFT} ${down(value).toFixed(1)}H${width - RIGHT}"/>` +
      `<text x="${LEFT - 6}" y="${down(value) + 4}" text-anchor="end">${short(value)}</text>`,
  );
  const columns = ticks(...plot.ends, Math.max(3, Math.floor(width / 110))).map((step) => {
    const words = step.toLocaleString("en");
    const x = Math.min(across(step), width - (DIGIT * words.length) / 2); // else the last one is cut off
    return `<text x="${x}" y="${HEIGHT - 8}" text-anchor="middle">${words}</text>`;
  });
  svg.innerHTML = [...rows, ...columns, ...paths, '<path class="pointed"/><rect class="drag" hidden/>'].join("");
  plot.lines = plot.lines.map((line, i) => ({ ...line, seen: lines[i].points }));
  showLegend(plot);
}

// Those within the zoom, and one on each side, so that lines go to the edge.
function seenPoints({ range, isLog }, points) {
  const sound = isLog ? points.filter(([, value]) => value > 0) : points;
  if (!range) return sound;
  return sound.filter(([step]) => step >= range[0] && step <= range[1]);
}

function endsOf({ range, lines }) {
  if (range) return range;
  const all = lines.flatMap(({ points }) => (points.length ? [points[0][0], points.at(-1)[0]] : []));
  const [first, last] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  return first < last ? [first, last] : [first, first + 1];
}

const acrossOf = ({ ends, width }, step) => LEFT + ((step - ends[0]) / (ends[1] - ends[0])) * (width - LEFT - RIGHT);

function stepAt({ svg, ends, width }, event) {
  const share = (event.clientX - svg.getBoundingClientRect().left - LEFT) / (width - LEFT - RIGHT);
  return ends[0] + Math.max(0, Math.min(1, share)) * (ends[1] - ends[0]);
}

// Round values from low to high.
function ticks(low, high, count = 4) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const by = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const first = Math.ceil(low / by);
  return Array.from({ length: Math.floor(high / by) - first + 1 }, (_, i) =>
    Number(((first + i) * by).toPrecision(12)),
  );
}

function logTicks(low, high) {
  const found = [];
  const times = high / low < 30 ? [1, 2, 5] : [1];
  const [first, last] = [Math.floor(Math.log10(low)), Math.floor(Math.log10(high))];
  const by = Math.max(1, Math.ceil((last - first) / MOST_DECADES));
  for (let power = first; power <= last; power += by) {
    found.push(...times.map((each) => each * 10 ** power).filter((value) => value >= low && value <= high));
  }
  return found.length > 1 ? found : ticks(low, high);
}

const short = (value) => Number(value.toPrecision(3)).toString().replace("-", "−");

function showLegend(plot, step = null) {
  const entries = plot.lines.map(({ name, colour, seen = [] }) => {
    const entry = document.createElement("span");
    entry.style.setProperty("--colour", colour);
    const near = step === null ? null : nearestPoint(seen, step);
    entry.textContent = near ? `${name} ${near[1].toPrecision(4)}` : name;
    return entry;
  });
  plot.legend.replaceChildren(...entries, ...(step === null ? [] : ["step " + Math.round(step).toLocaleString("en")]));
}

const nearestPoint = (points, step) =>
  points.reduce((best, point) => (best && Math.abs(best[0] - step) <= Math.abs(point[0] - step) ? best : point), null);

function beginDrag(plot, event) {
  if (event.button > 0) return;
  plot.from = event.clientX;
  plot.svg.setPointerCapture(event.pointerId);
}

function drag(plot, event) {
  const step = stepAt(plot, event);
  const x = acrossOf(plot, step);
  plot.svg.querySelector(".pointed").setAttribute("d", `M${x} ${TOP}V${HEIGHT - BOTTOM}`);
  showLegend(plot, step);
  if (plot.from === null) return;
  const start = acrossOf(plot, stepAt(plot, { clientX: plot.from }));
  const box = plot.svg.querySelector(".drag");
  box.removeAttribute("hidden");
  const size = { x: Math.min(start, x), y: TOP, width: Math.abs(x - start), height: HEIGHT - TOP - BOTTOM };
  for (const [key, value] of Object.entries(size)) box.setAttribute(key, value);
}

function endDrag(plot, event, zoomed) {
  const from = plot.from;
  leave(plot);
  if (from === null || Math.abs(event.clientX - from) < LEAST_DRAG) return;
  const ends = [from, event.clientX].map((clientX) => stepAt(plot, { clientX })).toSorted((a, b) => a - b);
  if (ends[0] < ends[1]) zoomed(ends);
}

function leave(plot) {
  plot.from = null;
  plot.svg.querySelector(".pointed")?.removeAttribute("d");
  plot.svg.querySelector(".drag")?.setAttribute("hidden", "");
  showLegend(plot);
}

function zoomByKey(plot, event, zoomed) {
  const [first, last] = plot.ends;
  const [middle, half] = [(first + last) / 2, (last - first) / 2];
  const around = (centre, reach) => [centre - reach, centre + reach];
  const ranges = {
    "+": () => around(middle, half / ZOOM_BY),
    "-": () => (plot.range ? around(middle, half * ZOOM_BY) : null),
    0: () => null,
    ArrowLeft: () => around(middle - half / ZOOM_BY, half),
    ArrowRight: () => around(middle + half / ZOOM_BY, half),
  };
  if (!Object.hasOwn(ranges, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation(); // the Draw tab has keys of its own
  const wanted = ranges[event.key]();
  const all = endsOf({ ...plot, range: null });
  const within = wanted && [Math.max(all[0], wanted[0]), Math.min(all[1], wanted[1])];
  zoomed(within && within[0] < within[1] && (within[0] > all[0] || within[1] < all[1]) ? within : null);
}

// Each a moving average of those up to it, in which one counts `weight` times the one after it.
function smoothed(points, weight) {
  let [total, count] = [0, 0];
  return points.map(([step, value]) => {
    [total, count] = [weight * total + value, weight * count + 1];
    return [step, total / count];
  });
}
