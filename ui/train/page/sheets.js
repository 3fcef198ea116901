// Previews of runs, as the trainer leaves them: rows of inputs, targets and fakes, cut into their pictures here.
const [INPUT, TARGET, FAKE] = [0, 1, 2]; // rows of a sheet
const MOST_SHEETS = 64; // that are kept
const sheets = new Map(); // key -> a promise of a sheet; null: it is gone

function sheetOf(run, step, stamp) {
  const key = [run, step, stamp].join("/");
  if (!sheets.has(key)) {
    const loading = loadSheet(run, step);
    sheets.set(key, loading);
    loading.then((sheet) => sheet || sheets.delete(key)); // the next one who asks tries again
    if (sheets.size > MOST_SHEETS) sheets.delete(sheets.keys().next().value);
  }
  return sheets.get(key);
}

async function loadSheet(run, step) {
  const { picture } = await server.preview({ run, step }).catch(() => ({}));
  if (!picture) return null;
  const image = new Image();
  image.src = picture;
  await image.decode().catch(() => null);
  const side = (image.naturalHeight - 2 * props.gap) / 3;
  return side > 0 ? { image, side, columns: Math.round((image.naturalWidth + props.gap) / (side + props.gap)) } : null;
}

function paintCell(canvas, { image, side }, row, column) {
  canvas.width = canvas.height = side;
  const [x, y] = [column, row].map((place) => place * (side + props.gap));
  canvas.getContext("2d").drawImage(image, x, y, side, side, 0, 0, side, side);
}

const steps = (step) => "Step " + step.toLocaleString("en");
