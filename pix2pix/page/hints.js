// Colour hints: what lies under the lines, blurred as in training (`softened` in pix2pix/data/hints.py does the same).
const SOFTNESS = 4; // pixels at 256: sigma of the blur of a hint's rim
const REACH = 12; // pixels at 256 that the blur looks to each side
const OPAQUE = 1 / 3; // of what is around a place has a colour where a hint is opaque; from there it fades
const BEYOND = 6; // units by which the eraser reaches further for colours: they fade into what it takes
const HINTS = ["colour", "fill", "inside"]; // kinds of strokes

// The softened colours of a drawing of lines, as a canvas of the model's size without any transparency; null: it has
// none. What is erased later is bare again. A part that is filled lies between the lines that were there at the time.
const hintLayer = (strokes, about) =>
  strokes.some(({ tool }) => HINTS.includes(tool)) ? soften(hintsAlone(strokes, about)) : null;

// The same with hard rims, on nothing: the pixels of a canvas.
function hintsAlone(strokes, about) {
  const { size } = about;
  const pad = newCanvas(size);
  const context = pad.getContext("2d", { willReadFrequently: true });
  context.setTransform(size / UNITS, 0, 0, size / UNITS, 0, 0);
  strokes.forEach((line, i) => {
    if (line.tool !== "eraser" && !HINTS.includes(line.tool)) return;
    // Strokes go over what is there; the inside gets its colour where the drawing has none of its own.
    context.globalCompositeOperation =
      { eraser: "destination-out", inside: "destination-over" }[line.tool] ?? "source-over";
    context.fillStyle = line.colour ?? "#000";
    if (line.tool === "colour") return context.fill(outline(line, line.width));
    if (line.tool === "eraser") return context.fill(outline(line, line.width + 2 * BEYOND, erased));
    const part = filled(line, strokes.slice(0, i), about);
    if (part) context.drawImage(part, 0, 0, UNITS, UNITS);
  });
  return context.getImageData(0, 0, size, size);
}

const erased = new WeakMap(); // as `outlines`, for the eraser's broader strokes
const fills = new WeakMap(); // stroke -> what it fills, as a canvas, as long as the same lines are before it

function filled(line, before, about) {
  const { size, lineWidth } = about;
  const known = fills.get(line);
  const key = [size, lineWidth, before.length, before.at(-1)];
  if (known?.key.every((value, i) => value === key[i])) return known.part;
  const { parts, inside } = regions(before, about);
  const mask = line.tool === "fill" ? partAt(parts, line.points[0], size) : inside;
  const part = mask && stencil(mask, size, line.colour);
  fills.set(line, { key, part });
  return part;
}

function stencil(mask, size, colour) {
  const made = newCanvas(size);
  const context = made.getContext("2d");
  const image = new ImageData(size, size);
  mask.forEach((within, i) => (image.data[4 * i + 3] = 255 * within));
  context.putImageData(image, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, size, size);
  return made;
}

const softened = []; // layers that were made lately: each view of the drawing may have one of its own

// A colour is the mean of the colours around it, each counted by its coverage. It is opaque where a third of what
// is around it has a colour, and fades from there, so that a thin stroke is as strong as a broad one.
function soften({ data, width: size }) {
  return remembered(softened, new Uint32Array(data.buffer), () => overPaper(blurred(data, size), size));
}

// Premultiplied red, green and blue, and the coverage, all from 0 to 255.
function blurred(data, size) {
  const scale = size / 256;
  const reach = Math.max(1, Math.round(REACH * scale));
  const kernel = Float32Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - reach) / (SOFTNESS * scale)) ** 2),
  );
  const sum = kernel.reduce((all, value) => all + value);
  kernel.forEach((value, i) => (kernel[i] = value / sum));
  const image = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += 4) {
    const coverage = data[i + 3] / 255;
    for (let channel = 0; channel < 3; channel++) image[i + channel] = data[i + channel] * coverage;
    image[i + 3] = data[i + 3];
  }
  blurLines(image, size, kernel, 4, 4 * size);
  blurLines(image, size, kernel, 4 * size, 4);
  return image;
}

// In place: `next` leads from a pixel to the next one of its line, `nextLine` from a line to the next one.
function blurLines(image, size, kernel, next, nextLine) {
  const reach = (kernel.length - 1) / 2;
  const line = new Float32Array(4 * (size + 2 * reach)); // beyond the paper its last pixel goes on
  for (let start = 0; start < size * nextLine && start < image.length; start += nextLine) {
    let empty = true;
    for (let i = 0; i < size + 2 * reach; i++) {
      const from = start + next * Math.max(0, Math.min(size - 1, i - reach));
      for (let channel = 0; channel < 4; channel++) line[4 * i + channel] = image[from + channel];
      empty &&= line[4 * i + 3] === 0;
    }
    if (empty) continue;
    for (let i = 0; i < size; i++) {
      let [red, green, blue, coverage] = [0, 0, 0, 0];
      for (let k = 0, at = 4 * i; k < kernel.length; k++, at += 4) {
        red += kernel[k] * line[at];
        green += kernel[k] * line[at + 1];
        blue += kernel[k] * line[at + 2];
        coverage += kernel[k] * line[at + 3];
      }
      const to = start + next * i;
      image[to] = red;
      image[to + 1] = green;
      image[to + 2] = blue;
      image[to + 3] = coverage;
    }
  }
}

function overPaper(image, size) {
  const layer = newCanvas(size);
  const made = new ImageData(size, size); // its array rounds what it is given
  for (let i = 0; i < image.length; i += 4) {
    const weight = image[i + 3] / 255;
    const opacity = Math.min(weight / OPAQUE, 1);
    for (let channel = 0; channel < 3; channel++) {
      made.data[i + channel] = 255 + opacity * (image[i + channel] / Math.max(weight, 1e-6) - 255);
    }
    made.data[i + 3] = 255;
  }
  layer.getContext("2d").putImageData(made, 0, 0);
  return layer;
}
