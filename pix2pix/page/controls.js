// The controls around the two boards, and which model they belong to. Comes last: here everything begins.
const REFRESH = 10_000; // ms between looks at the list of models: a training run adds to it, and improves its own
// Colours to dab with; any other can be chosen beside them.
const COLOURS = {
  red: "#c62828",
  orange: "#e07b2a",
  yellow: "#e8c33a",
  green: "#3f8f4f",
  blue: "#2f5fb3",
  purple: "#6d4aa0",
  pink: "#d8689b",
  brown: "#7a4a2b",
  grey: "#8a8d91",
  black: "#222222",
};

// Colours are for generators that have learned from hints. A label map can be filled with a class, too.
function isOffered(name) {
  const { of, hints } = TOOLS[name];
  const labels = Boolean(model.palette);
  if (of !== "both" && of !== (labels ? "labels" : "lines")) return false;
  return !hints || (labels ? name === "fill" || Boolean(model.painted) : model.colourHints);
}

// Whether the tool gives a hint.
const isColouring = () =>
  Boolean(TOOLS[tool].hints && (!model.palette || (model.painted && (pours || tool === "colour"))));

function chooseTool(name) {
  tool = name;
  const byKeys = POINTING.includes(name); // others would need a line
  canvas.setAttribute(
    "aria-label",
    byKeys ? "Your drawing: the arrow keys point, Enter takes the tool there" : "Your drawing",
  );
  if (byKeys) canvas.tabIndex = 0;
  else canvas.removeAttribute("tabindex");
  showControls();
  showCursor();
  paintSoon();
}

function showControls() {
  const blank = !stroke && !sheet.drawing.strokes.length;
  const labels = Boolean(model.palette);
  const colouring = isColouring();
  for (const button of element.querySelectorAll(".tool")) {
    const { tool: name } = button.dataset;
    button.hidden = !isOffered(name);
    press(button, name === tool);
  }
  for (const button of element.querySelectorAll(".swatches button"))
    press(button, button.dataset.label === label && !(labels && colouring));
  for (const button of element.querySelectorAll(".colours button"))
    press(button, button.dataset.colour === colour && colouring);
  find(".colours").hidden = !(TOOLS[tool].hints && (!labels || model.painted));
  find(".any-colour").value = colour;
  find(".width").hidden = !TOOLS[tool].width;
  find(".width input").value = widths[tool] ?? 1;
  find(".undo").disabled = !sheet.past.length;
  find(".redo").disabled = !sheet.future.length;
  for (const button of element.querySelectorAll(".clear, .mirror, .copy-link, .save-drawing, .pin, .correct"))
    button.disabled = blank;
  press(find(".sees"), seesModel);
  press(find(".trace"), hasTraced());
  showGiven();
  press(find(".lens"), lensOn);
  press(find(".symmetry"), symmetric);
  find(".zoom-out").disabled = view.zoom <= 1;
  find(".zoom-in").disabled = view.zoom >= MAX_ZOOM;
  find(".zoom-text").textContent = Math.round(100 * view.zoom) + " %";
  for (const button of element.querySelectorAll("[data-mode]")) press(button, button.dataset.mode === mode);
  find("[data-mode=variations]").hidden = !isNoisy(model) && !model.colourHints;
  find("[data-mode=compare]").hidden = comparable().length < 2;
  find("[data-mode=history]").hidden = model.snapshots.length < 2;
  find("[data-mode=making]").disabled = blank;
  find(".play").textContent = playing ? "Pause" : "Play";
  find(".give-up").hidden = !saving;
  for (const button of element.querySelectorAll(".save-webp, .save-gif")) button.disabled = blank || Boolean(saving);
  showNote();
  find(".invitation").classList.toggle("gone", !blank || hasTraced());
  find(".studio").classList.toggle("labels", labels);
  find(".studio").classList.toggle("paints", Boolean(model.painted));
}

function toggleSeen() {
  seesModel = !seesModel;
  paintSoon();
  showControls();
}

const press = (button, on) => button.setAttribute("aria-pressed", on);

function showCursor() {
  const width = widths[tool] ?? 0;
  const side = Math.min(120, Math.round((width / UNITS) * canvas.clientWidth * view.zoom));
  canvas.style.cursor = side > 3 ? ringCursor(side) : "crosshair";
}

function ringCursor(side) {
  const middle = Math.round(side / 2);
  const ring = (shade, width) =>
    `<circle cx='50%' cy='50%' r='${middle - 2}' fill='none' stroke='${shade}' stroke-width='${width}'/>`;
  const rings = ring("white", 3) + ring("dimgray", 1.5);
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' width='${side}' height='${side}'>${rings}</svg>`;
  return `url("data:image/svg+xml,${svg}") ${middle} ${middle}, crosshair`;
}

function showSwatches() {
  const buttons = (model.palette ?? []).map(([name, [r, g, b]]) => {
    const button = swatch(name, "rgb(" + [r, g, b] + ")", () => {
      label = name;
      pours = false;
      chooseTool(tool === "pick" || tool === "colour" ? "rect" : tool);
    });
    button.append(name);
    button.dataset.label = name;
    return button;
  });
  find(".swatches").replaceChildren(...buttons);
  find(".swatches").hidden = !buttons.length;
}

function showColours() {
  const buttons = Object.entries(COLOURS).map(([name, value]) => {
    const button = swatch(name, value, () => chooseColour(value));
    button.title = name;
    button.dataset.colour = value;
    return button;
  });
  find(".colours-list").replaceChildren(...buttons);
}

function chooseColour(value) {
  colour = value;
  pours = true;
  chooseTool(tool === "fill" ? tool : "colour");
}

function swatch(name, background, choose) {
  const button = newButton(name, choose);
  const patch = document.createElement("i");
  patch.style.background = background;
  button.append(patch);
  return button;
}

function showSamples() {
  const kind = kindOf(model);
  const wall = model.palette ? [{ name: "Empty wall", strokes: [] }] : [];
  const fitting = [...wall, ...props.samples.filter((sample) => sample.kind === kind)];
  const buttons = fitting.map((sample) => {
    const drawing = drawingOf(sample);
    const button = newButton(sample.name, () => commit(drawing));
    const thumbnail = newCanvas(136);
    paint(thumbnail, drawing, { ...model, lineWidth: (3.5 * model.size) / UNITS });
    button.title = sample.name;
    button.append(thumbnail);
    return button;
  });
  const die = newButton("Surprise me", surprise);
  die.title = "Surprise me: one of these, changed by chance";
  die.className = "die";
  const word = Object.assign(document.createElement("span"), { className: "word", textContent: "Surprise" });
  die.append(find(".die-shape").content.cloneNode(true), word);
  find(".samples").replaceChildren(die, ...buttons);
  find(".gallery").hidden = !buttons.length;
}

function newButton(name, onPress) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", name);
  button.addEventListener("click", onPress);
  return button;
}

// The menu closes once something is chosen in it, with Escape, and by a press anywhere else.
function closeMenu({ type, key, target }) {
  if (!element.isConnected) return document.removeEventListener(type, closeMenu);
  const menu = find(".more");
  if ({ click: true, keydown: key === "Escape", pointerdown: !menu.contains(target) }[type]) menu.open = false;
}

// ---------------------------------------------------------------------------------------------------------- models

async function refreshModels() {
  if (document.hidden) return;
  const listed = await server.models({}).catch(() => null); // the app is away: it will be asked again
  if (!listed || JSON.stringify(listed) === JSON.stringify(models)) return;
  models = listed;
  const options = models.map(({ name }) => new Option(name, name, false, name === model.name));
  chooser.replaceChildren(...(options.length ? options : [new Option("none yet: train one")]));
  chooser.disabled = !options.length;
  const named = (wanted) => models.find(({ name }) => name === wanted);
  useModel(named(model.name) ?? named(lastModel) ?? models.find(({ broken }) => !broken) ?? models[0]);
  showWipe();
  renewOthers();
  showStrip();
}

function useModel(chosen) {
  if (!chosen || JSON.stringify({ ...DEFAULT_MODEL, ...chosen }) === JSON.stringify(model)) return;
  const isOther = chosen.name !== model.name;
  if (stroke && isOther) penUp({ pointerId: stroke.pointer }); // it belongs to the drawing that was there
  model = { ...DEFAULT_MODEL, ...chosen };
  sheets.set(sheetKey(), sheets.get(sheetKey()) ?? newSheet());
  sheet = sheets.get(sheetKey());
  if (isOther) showModel();
  find(".about").textContent = model.steps ? model.steps.toLocaleString("en") + " training steps" : "";
  makeBy(isOther ? { model, seed: null, step: null } : { model });
  changed();
  if (!isOther) return;
  tryAgain();
  warmUp();
}

function showModel() {
  const names = (model.palette ?? []).map(([name]) => name);
  if (!names.includes(label)) label = names.includes("window") ? "window" : (names.at(-1) ?? "");
  if (!isOffered(tool)) chooseTool(model.palette ? "rect" : "pen");
  chooser.value = model.name;
  find(".invitation-text").textContent = model.invitation;
  showSwatches();
  showSamples();
  showWipe();
  setMode("");
  remember();
}

async function warmUp() {
  const asked = model.name;
  const reply = await server.warm_up({ model: asked }).catch(() => null);
  if (reply?.error && asked === model.name) showStatus(reply.error, true);
}

// ----------------------------------------------------------------------------------------------------------- begin

const chooser = find(".model");
const lastModel = recall();
const CLICKS = {
  ".undo": undo,
  ".redo": redo,
  ".clear": clear,
  ".mirror": mirror,
  ".save": savePicture,
  ".save-both": saveBoth,
  ".copy-link": copyLink,
  ".save-drawing": saveDrawing,
  ".open-drawing": () => openFile(".json,application/json,image/png", openAny),
  ".trace": () => (hasTraced() ? untrace() : openFile("image/*", trace)),
  ".take-colours": takeColours,
  ".take": () => take(!given),
  ".invert": () => take(true, !inverted),
  ".lens": toggleLens,
  ".slide": toggleWipe,
  ".sees": toggleSeen,
  ".symmetry": toggleSymmetry,
  ".keys": showHelp,
  ".close-help": () => find(".help").close(),
  ".help": closeHelp,
  ".zoom-in": () => zoomBy(ZOOM_STEP),
  ".zoom-out": () => zoomBy(1 / ZOOM_STEP),
  ".again": rollAgain,
  ".plain": () => makeBy({ seed: null, step: null }),
  ".save-history": saveHistory,
  ".play": playMaking,
  ".save-webp": () => saveMaking("webp"),
  ".save-gif": () => saveMaking("gif"),
  ".give-up": giveUpSaving,
  ".save-results": saveResults,
  ".clear-results": clearResults,
  ".pin": pinDrawing,
  ".correct": () => openFile("image/*", correct),
};
const POINTER = { pointerdown: penDown, pointermove: penMove, pointerup: penUp, pointercancel: penUp };

for (const [selector, act] of Object.entries(CLICKS)) find(selector).addEventListener("click", act);
for (const [event, act] of Object.entries(POINTER)) canvas.addEventListener(event, act);
for (const button of element.querySelectorAll(".tool")) {
  button.addEventListener("click", () => chooseTool(button.dataset.tool));
}
for (const button of element.querySelectorAll("[data-mode]")) {
  button.addEventListener("click", () => setMode(button.dataset.mode));
}
for (const event of ["focus", "blur"]) canvas.addEventListener(event, paintSoon); // where the keys point
canvas.addEventListener("keydown", aimByKey);
canvas.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press of a finger
canvas.addEventListener("wheel", turnWheel, { passive: false });
for (const event of ["dragover", "dragleave", "drop"]) find(".boards").addEventListener(event, drag);
document.addEventListener("visibilitychange", keepResult); // the page may be closed next
document.addEventListener(HANDED, takeHanded);
window.addEventListener("hashchange", openLink); // a link that is opened where the page is open already
find(".any-colour").addEventListener("input", (event) => chooseColour(event.target.value));
find(".width input").addEventListener("input", ({ target }) => chooseWidth(Number(target.value)));
find(".crosshair-choice").addEventListener("change", toggleCrosshair);
find(".single-keys").addEventListener("change", ({ target }) => prefer({ singleKeys: target.checked }));
for (const event of ["pointermove", "pointerleave"]) canvas.addEventListener(event, moveCrosshair);
find(".moment").addEventListener("input", chooseMoment);
find(".instant").addEventListener("input", () => (stopMaking(), showInstant()));
find(".strength input").addEventListener("input", chooseStrength);
wiper.addEventListener("input", moveWipe);
find(".beside").addEventListener("change", chooseBeside);
chooser.addEventListener("change", () => useModel(models.find(({ name }) => name === chooser.value)));
chooser.addEventListener("focus", refreshModels);
document.addEventListener("keydown", pressKey);
for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, closeMenu);
find(".menu").addEventListener("click", closeMenu);
new ResizeObserver(fitCanvas).observe(canvas);

find(".save-webp").hidden = !makesWebp();
for (const button of element.querySelectorAll(".pin, .correct")) button.hidden = !props.can_train;
showColours();
showLens();
showControls();
showSamples();
refreshModels().then(openLink).then(readResults);
const refreshing = setInterval(() => (element.isConnected ? refreshModels() : clearInterval(refreshing)), REFRESH);
