// "Surprise me": one of the samples, changed by chance.
const PAPER_MARGIN = 8; // units
const SMALLEST_PART = 150; // pixels of a part that gets a colour
const anyOf = (list) => list[Math.floor(Math.random() * list.length)];
const between = (least, most) => least + Math.random() * (most - least);
const chance = (share) => Math.random() < share;

function surprise() {
  const drawing = drawingOf(anyOf(props.samples.filter(({ kind }) => kind === kindOf(model))));
  if (!model.palette) commit(otherLines(drawing));
  else commit(model.painted ? tinted(otherPlan(drawing), anyOf(WALLS.flat())) : otherPlan(drawing));
}

// Bent, stretched, leaning, perhaps mirrored, and with colours if the model knows them.
function otherLines(drawing) {
  const bend = bending();
  const strokes = drawing.strokes.map((line) => ({ ...line, points: line.points.map(bend) }));
  const made = { ...drawing, strokes: inTheMiddle(strokes) };
  return model.colourHints ? withColours(made) : made;
}

function bending() {
  const [flip, broad, high] = [chance(0.5) ? -1 : 1, between(0.8, 1.1), between(0.75, 1.15)];
  const [lean, turn] = [between(-0.15, 0.15), between(-0.1, 0.1)];
  const wave = () => ({ by: between(2, 8), times: between(0.5, 1.5), from: between(0, 2 * Math.PI) });
  const [waveX, waveY] = [wave(), wave()];
  const at = ({ by, times, from }, along) => by * Math.sin((2 * Math.PI * times * along) / UNITS + from);
  return ([x, y]) => {
    const dy = high * (y - UNITS / 2 + at(waveY, x));
    const dx = flip * broad * (x - UNITS / 2 + at(waveX, y)) + lean * dy;
    return [dx * Math.cos(turn) - dy * Math.sin(turn), dx * Math.sin(turn) + dy * Math.cos(turn)];
  };
}

// In the middle of the paper, and within it.
function inTheMiddle(strokes) {
  const points = strokes.flatMap((line) => line.points);
  const [left, top] = [0, 1].map((axis) => Math.min(...points.map((point) => point[axis])));
  const [right, bottom] = [0, 1].map((axis) => Math.max(...points.map((point) => point[axis])));
  const scale = Math.min(1, (UNITS - 2 * PAPER_MARGIN) / Math.max(right - left, bottom - top));
  const centred = (value, from, to) => Math.round(100 * (UNITS / 2 + scale * (value - (from + to) / 2))) / 100;
  return strokes.map((line) => ({
    ...line,
    points: line.points.map(([x, y]) => [centred(x, left, right), centred(y, top, bottom)]),
  }));
}

// One colour for the inside, and others for some of the parts.
function withColours(drawing) {
  const { parts } = regions(drawing.strokes, model);
  const sizes = new Map();
  for (const part of parts) sizes.set(part, (sizes.get(part) ?? 0) + 1);
  const enclosed = [...sizes.keys()].filter(
    (part) => part !== PAPER && part !== LINE && sizes.get(part) > SMALLEST_PART,
  );
  const some = Array.from({ length: Math.min(enclosed.length, Math.floor(between(0, 3))) }, () => {
    return {
      tool: "fill",
      colour: anyOf(COLOURWAYS.flat()),
      points: [insidePoint(parts, anyOf(enclosed), model.size)],
    };
  });
  return tinted({ ...drawing, strokes: [...drawing.strokes, ...some] }, anyOf(COLOURWAYS.flat()));
}

// Another distribution of the same things: what lines up still does. Some kinds of them may be left out.
function otherPlan(drawing) {
  const [along, down] = [spreading(), spreading()];
  const flip = chance(0.5);
  const moving = ([x, y]) => [along(flip ? UNITS - x : x), down(y)];
  const counts = new Map();
  for (const { label: name } of drawing.strokes) counts.set(name, (counts.get(name) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const left = new Set([...counts.keys()].filter((name) => counts.get(name) < most && chance(0.2)));
  const strokes = drawing.strokes.filter((area) => !left.has(area.label));
  return { ...drawing, strokes: strokes.map((area) => ({ ...area, points: area.points.map(moving) })) };
}

// From 0 to 0, from 256 to 256, and never back in between.
function spreading() {
  const waves = [20, 12, 8].map((most, i) => [between(-most, most), (Math.PI * (i + 1)) / UNITS]);
  return (value) => Math.round(waves.reduce((sum, [by, rate]) => sum + by * Math.sin(rate * value), value));
}
