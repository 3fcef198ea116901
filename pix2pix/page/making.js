// How a drawing was made, stroke by stroke, in the time that it took: strokes keep when the pen was where.
const UNTIMED = 0.15; // units a ms: the speed of a pen whose times nobody knows
const SHORTEST_STROKE = 200; // ms, of a dot or a fill
const LIFT = 250; // ms between two strokes, however long the pen was up
const [SHORTEST, LONGEST_MAKING] = [5000, 15_000]; // ms of all of it, with the rest at its end
const AT_END = 1500; // ms that the finished drawing stays

let shown = null; // the drawing at some moment of its making, in the place of the one that is there
let playing = 0; // the animation frame that comes next

// What is drawn when: { line, from, to, times } in ms, from 0 to the end of the last one.
function timeline({ strokes }) {
  const spans = [];
  let end = 0;
  strokes.forEach((line, i) => {
    const times = timesOf(line);
    const from = line.twin && i ? spans[i - 1].from : end + (i ? LIFT : 0);
    end = Math.max(end, from + Math.max(SHORTEST_STROKE, times.at(-1) ?? 0));
    spans.push({ line, from, to: from + Math.max(SHORTEST_STROKE, times.at(-1) ?? 0), times });
  });
  return spans;
}

function timesOf({ points, times }) {
  if (times) return times;
  let way = 0;
  return points.map(([x, y], i) => {
    const [fromX, fromY] = points[Math.max(0, i - 1)];
    way += Math.hypot(x - fromX, y - fromY);
    return way / UNTIMED;
  });
}

// ms that its replay takes: as long as the making, but neither too short to follow nor too long to watch.
function lengthOf(spans) {
  const end = Math.max(0, ...spans.map(({ to }) => to));
  return Math.max(SHORTEST, Math.min(LONGEST_MAKING, end + AT_END));
}

// The drawing after a share, from 0 to 1, of the replay.
function drawingAfter(drawing, share) {
  const spans = timeline(drawing);
  const end = Math.max(0, ...spans.map(({ to }) => to));
  const length = lengthOf(spans);
  const now = (share * length * end) / (length - AT_END);
  return { ...drawing, strokes: spans.flatMap((span) => partOf(span, now)) };
}

function partOf({ line, from, to, times }, now) {
  if (now >= to) return [line];
  if (now < from || (now === from && !line.points.length)) return [];
  if (["fill", "inside"].includes(line.tool)) return [];
  const since = now - from;
  if (line.tool === "rect")
    return [{ ...line, points: [line.points[0], towards(...line.points, since / (to - from))] }];
  const next = times.findIndex((time) => time > since);
  if (next < 1) return [next ? line : { ...line, points: line.points.slice(0, 1) }];
  const share = (since - times[next - 1]) / (times[next] - times[next - 1]);
  return [
    { ...line, points: [...line.points.slice(0, next), towards(line.points[next - 1], line.points[next], share)] },
  ];
}

const towards = (a, b, share) => a.map((value, axis) => value + (b[axis] - value) * share);

// --------------------------------------------------------------------------------------------- on the boards

// It plays once when it is asked for. The moment is that of the slider. While it plays the slider moves on, from the beginning if it was at the end.
function showMaking(isShown) {
  find(".making").hidden = !isShown;
  stopMaking();
  find(".instant").value = find(".instant").max;
  showInstant();
  if (isShown) playMaking();
}

function playMaking() {
  if (playing) return stopMaking();
  const slider = find(".instant");
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  const length = lengthOf(timeline(sheet.drawing));
  const began = performance.now() - (slider.value / slider.max) * length;
  const next = (now) => {
    const share = Math.min(1, (now - began) / length);
    slider.value = share * slider.max;
    showInstant();
    if (share < 1) playing = requestAnimationFrame(next);
    else stopMaking();
  };
  playing = requestAnimationFrame(next);
  showControls();
}

function stopMaking() {
  cancelAnimationFrame(playing);
  playing = 0;
  showControls();
}

// The last moment is the drawing itself, which can be drawn on.
function showInstant() {
  const slider = find(".instant");
  const share = slider.value / slider.max;
  const next = mode === "making" && share < 1 ? drawingAfter(sheet.drawing, share) : null;
  slider.setAttribute("aria-valuetext", Math.round(100 * share) + " %");
  if (!next && !shown) return;
  shown = next;
  grew();
}

// Whoever begins to draw, or changes the drawing, sees all of it again.
function endMaking() {
  if (!shown) return;
  stopMaking();
  find(".instant").value = find(".instant").max;
  shown = null;
}
