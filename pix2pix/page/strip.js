// What was made: the last results with their drawings, in a strip below the boards, each a click away.
const MOST_RESULTS = 60;
const REST = 1500; // ms without a newer picture, after which one counts as a result
const THUMBNAIL = 112; // pixels

let results = []; // newest first: { id, at, starred, memory, drawing, picture }, the last two as data URLs
let cleared = []; // as long as they can be brought back
let newest = null; // the last picture, what it was made of, and that without a stroke that was not finished, until it has rested
let met = null; // what was on the boards when the page was opened
let resting = 0;
const cards = new WeakMap(); // result -> how it is shown

// A picture is on the board. One of another drawing ends the rest of the last one: it was looked at, then left.
function noteResult(made, url) {
  // a look back at its training or at its making, or nothing drawn
  if (made.by.step !== null || made.isStage || made.drawing.taken) return;
  const memory = memoryOf(made);
  if (!made.live && !sheet.past.length && !sheet.future.length) met ??= memory;
  if (newest && !continues(memory, newest.finished)) keepResult();
  const finished = { ...memory, strokes: memory.strokes.slice(0, memory.strokes.length - made.live) };
  newest = { memory, finished, url };
  clearTimeout(resting);
  resting = setTimeout(keepResult, REST);
}

function keepResult() {
  clearTimeout(resting);
  if (!newest) return;
  if (stroke) {
    resting = setTimeout(keepResult, REST);
    return;
  }
  const { memory, url } = newest;
  newest = null;
  const known = [...results.map((each) => each.memory), ...(met ? [met] : [])];
  if (known.some((each) => continues(each, memory))) return; // it is one of them, or a stage of it
  if (isSample(memory) || JSON.stringify(memory).length > MOST_TEXT) return;
  const earlier = results.find((each) => !each.starred && continues(memory, each.memory));
  const about = models.find(({ name }) => name === memory.model);
  if (!about) return;
  const result = {
    id: earlier?.id ?? session + " " + Date.now(),
    at: Date.now(),
    starred: false,
    memory,
    drawing: thumbnailOf(memory, about).toDataURL("image/png"),
    picture: url,
  };
  addResult(result, earlier);
}

function addResult(result, earlier) {
  results = [result, ...results.filter((each) => each !== earlier)];
  cleared = [];
  shelve([result]);
  trim();
  showStrip();
}

// The same model and seed, and of the drawing at least all strokes of the other one.
function continues(memory, second) {
  const same = ["kind", "model", "seed", "background"].every((key) => memory[key] === second[key]);
  if (!same || memory.strokes.length < second.strokes.length) return false;
  return second.strokes.every((line, i) => isSameLine(line, memory.strokes[i]));
}

function isSameLine(one, two) {
  if (one === two) return true;
  if (!["tool", "colour", "label", "width"].every((key) => one[key] === two[key])) return false;
  return isSameWay(one.points, two.points);
}

const isSameWay = (one, two) =>
  one.length === two.length && one.every((point, i) => point.every((value, axis) => value === two[i][axis]));

// As it came: nobody has made it yet.
function isSample({ strokes }) {
  return props.samples.some(
    (sample) =>
      sample.strokes.length === strokes.length &&
      sample.strokes.every(({ points }, i) => isSameWay(points, strokes[i].points)),
  );
}

// What is starred stays; of the others the oldest go.
function trim() {
  const kept = [...results.filter((each) => each.starred), ...results.filter((each) => !each.starred)].slice(
    0,
    MOST_RESULTS,
  );
  unshelve(results.filter((each) => !kept.includes(each)));
  results = results.filter((each) => kept.includes(each));
}

function star(result, button) {
  result.starred = !result.starred;
  press(button, result.starred);
  shelve([result]);
  showStrip();
}

function recallResult(result) {
  try {
    reopen(result.memory, checked);
  } catch (error) {
    showStatus(refuse("This", error), true);
  }
}

// All without a star; the same button brings them back, until something new is made.
function clearResults() {
  newest = null;
  if (cleared.length) {
    results = [...results, ...cleared].toSorted((one, two) => two.at - one.at);
    shelve(cleared);
    cleared = [];
  } else {
    cleared = results.filter((each) => !each.starred);
    unshelve(cleared);
    results = results.filter((each) => each.starred);
  }
  showStrip();
}

// The pictures, which remember their drawings, and the drawings as their models see them. The oldest comes first.
async function saveResults() {
  const files = [];
  for (const { memory, picture: url, at } of shownResults().toReversed()) {
    const name = String(files.length / 2 + 1).padStart(2, "0") + " " + memory.model.replace(/[^\w.-]/g, "_");
    const drawing = forModel(modelFor(memory, memory), memory).toDataURL("image/png");
    files.push({ name: name + ".png", bytes: await remembering(pngOf(url), memory), at });
    files.push({ name: name + " drawing.png", bytes: pngOf(drawing), at });
  }
  downloadBytes(zipped(files), "application/zip", "drawings.zip");
}

// ------------------------------------------------------------------------------------------------ as they are shown

// Those that one of the models here can take up.
const shownResults = () => results.filter(({ memory }) => modelFor(memory, memory));

function showStrip() {
  const shown = shownResults();
  const list = find(".results");
  const wanted = shown.map(cardOf);
  for (const card of Array.from(list.children)) if (!wanted.includes(card)) card.remove();
  wanted.forEach((card, i) => {
    if (list.children[i] !== card) list.insertBefore(card, list.children[i] ?? null); // the others keep the focus
  });
  find(".strip").hidden = !shown.length && !cleared.length;
  const words = cleared.length ? "Bring back" : "Clear";
  find(".clear-results").textContent = words;
  find(".clear-results").setAttribute("aria-label", words + " what you made");
  find(".clear-results").disabled = !cleared.length && shown.every(({ starred }) => starred);
  find(".save-results").disabled = !shown.length;
}

function cardOf(result) {
  if (cards.has(result)) return cards.get(result);
  const when = new Date(result.at).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
  const name = result.memory.model + ", " + when;
  const recalling = newButton("Take up again: " + name, () => recallResult(result));
  recalling.title = name;
  recalling.className = "recall";
  recalling.append(...[result.drawing, result.picture].map(pictureOf));
  const starring = newButton("Star: " + name, () => star(result, starring));
  starring.className = "star";
  starring.title = "Stays when the others are cleared";
  starring.append(find(".strip .star-shape").content.cloneNode(true));
  press(starring, result.starred);
  const card = document.createElement("div");
  card.className = "result-card";
  card.append(recalling, starring);
  cards.set(result, card);
  return card;
}

function pictureOf(url) {
  const image = document.createElement("img");
  image.src = url;
  image.alt = "";
  return image;
}

function thumbnailOf(drawing, about) {
  const thumbnail = newCanvas(THUMBNAIL);
  paint(thumbnail, drawing, { ...about, lineWidth: (3.5 * about.size) / UNITS });
  return thumbnail;
}

async function readResults() {
  const read = await readShelf();
  results = [...results, ...read.filter(isResult)].toSorted((one, two) => two.at - one.at);
  trim();
  showStrip();
}

// Of this version of the page, and not spoiled.
function isResult({ at, memory, drawing, picture: url }) {
  try {
    checked(memory);
    return [drawing, url].every((each) => each.startsWith("data:image/png;base64,")) && Number.isFinite(at);
  } catch {
    return false;
  }
}
