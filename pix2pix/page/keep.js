// What leaves the page and what comes into it: pictures that remember their drawing, and drawings as files and as links.
const KEYWORD = "pix2pix drawing"; // under which a PNG holds it
const MOST_PNG = 50_000_000; // bytes of a PNG that is looked through for it

// A drawing, and what makes its picture, as data: for `reopen`, in this page or another.
function memoryOf({ drawing, by }) {
  const { model: about, seed, step } = by;
  return { version: VERSION, name: "My drawing", kind: kindOf(about), model: about.name, seed, step, ...drawing };
}

// Throws an Error, in words, for what is no drawing, or for none of the models that are here.
function reopen(memory, check = bounded) {
  const drawing = check(memory);
  const about = modelFor(memory, drawing);
  if (!about) throw new Error("there is no model here for such a drawing");
  useModel(about);
  commit(drawingOf(drawing));
  const seed = isNoisy(about) && Number.isSafeInteger(memory.seed) && memory.seed >= 0 ? memory.seed : null;
  makeBy({ seed, step: model.snapshots.includes(memory.step) ? memory.step : null });
  const isOther = isName(memory.model) && memory.model && memory.model !== about.name;
  if (isOther) tell("It was made by " + memory.model + ", which is not here.");
}

// The model that made it, else the chosen one, else any, as long as it can take the drawing.
function modelFor({ model: name, kind }, { strokes, background }) {
  const labels = [background, ...strokes.map((line) => line.label)].filter((each) => each !== undefined);
  const knows = ({ palette }) => !palette || labels.every((each) => palette.some(([known]) => known === each));
  const takes = (about) => about && !about.broken && kindOf(about) === kind && knows(about);
  const named = (wanted) => models.find((about) => about.name === wanted);
  return [named(name), named(model.name), ...models].find(takes);
}

function drawingOf({ strokes, background }) {
  const wide = (line) => ({ ...line, width: line.width ?? TOOLS[line.tool].width ?? undefined });
  return { strokes: strokes.map(wide), background: background ?? backgroundLabel() };
}

// An error that a browser words itself says nothing to the one who draws.
const reason = (error) => (error.constructor === Error ? error.message : "it is damaged");
const refuse = (name, error) => name + " is not a drawing that can be opened here: " + reason(error) + ".";

// ---------------------------------------------------------------------------------------------------------- files

function download(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

function downloadBytes(bytes, type, name) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

const savePicture = () => saveRemembering(picture.src, main.made, "");

async function saveBoth() {
  const { made } = main;
  const about = made.by.model;
  const result = new Image();
  result.src = picture.src;
  await result.decode();
  const both = document.createElement("canvas");
  [both.width, both.height] = [2 * about.size, about.size];
  const context = both.getContext("2d");
  context.drawImage(forModel(about, made.drawing), 0, 0);
  context.drawImage(result, about.size, 0, about.size, about.size);
  await saveRemembering(both.toDataURL("image/png"), made, " side by side");
}

async function saveRemembering(url, made, suffix) {
  if (made.drawing.taken) return download(url, made.by.model.name + suffix + ".png"); // there are no strokes to remember
  downloadBytes(await remembering(pngOf(url), memoryOf(made)), "image/png", made.by.model.name + suffix + ".png");
}

const pngOf = (url) => bytesOf(url.split(",")[1]);

async function remembering(png, memory) {
  const text = new TextEncoder().encode(JSON.stringify(memory));
  return text.length > MOST_TEXT ? png : withText(png, KEYWORD, text);
}

function saveDrawing() {
  const text = JSON.stringify(memoryOf({ drawing: sheet.drawing, by: main.by }));
  downloadBytes(text, "application/json", "drawing.json");
}

// A drawing, a picture that remembers one, or a picture to trace, from a button or dropped on the paper.
async function openAny(file) {
  if (!file) return;
  try {
    const text = await textIn(file);
    if (text === null) await trace(file);
    else reopen(JSON.parse(text));
  } catch (error) {
    showStatus(refuse(file.name, error), true);
  }
}

// A drawing as JSON; null: it is a picture without one.
async function textIn(file) {
  const isPicture = file.type.startsWith("image/");
  if (isPicture && file.size > MOST_PNG) return null;
  if (isPicture) return textOf(new Uint8Array(await file.arrayBuffer()), KEYWORD, MOST_TEXT);
  if (file.size > MOST_TEXT) throw new Error("it is too large");
  return file.text();
}

function openFile(accept, receiveFile) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  input.addEventListener("change", () => receiveFile(input.files[0]));
  input.click();
}

// The paper shows that it would take what is dragged over the boards.
function drag(event) {
  event.preventDefault();
  const within =
    event.type === "dragover" || (event.type === "dragleave" && find(".boards").contains(event.relatedTarget));
  find(".board").classList.toggle("over", within);
  if (event.type === "drop") openAny(event.dataTransfer.files[0]);
}

// ---------------------------------------------------------------------------------------------------------- links

async function copyLink() {
  const made = await linkTo(memoryOf({ drawing: sheet.drawing, by: main.by }));
  if (!made)
    return showStatus("This drawing is too long for a link. Save the picture: it remembers the drawing.", true);
  const words = made.simpler ? " Its lines are a little simpler, or it would be too long." : "";
  if (await copy(made.link)) return showStatus("Link copied." + words);
  history.replaceState(history.state, "", made.link);
  showStatus("The link is now the address of this page: copy it from there." + words);
}

// False: the browser does not let the page do it. Pages that came without TLS have no navigator.clipboard.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

// The address is without the drawing again once it is kept: a refresh brings it until then, and later does not bring it
// over what was drawn since. Of two links the later one counts.
async function openLink() {
  if (!element.isConnected) return window.removeEventListener("hashchange", openLink);
  const { hash } = location;
  if (!hash.startsWith(FRAGMENT)) return;
  const isLatest = () => location.hash === hash;
  try {
    const memory = await linked(hash);
    if (isLatest()) reopen(memory);
  } catch (error) {
    if (isLatest()) tell(refuse("This link", error)); // the status is the pictures', which may be coming just now
  }
  if (isLatest()) history.replaceState(history.state, "", location.href.split("#")[0]);
}
