// Live pictures: each view shows what a generator makes of the drawing, and is never left behind it.
const PATIENCE = 10_000; // ms until a request counts as lost
const COMPARED = 3; // models beside the chosen one

const picture = find("#draw-picture");
let version = 0; // of the drawing; each change is a new one
let asking = false;
let inLine = false; // the status says so
let mode = ""; // what lies below the boards: nothing, "variations", "compare" or "history"

// What a picture is made by, where it is shown, the version of the drawing that it belongs to, and what it was made of.
const newView = (by, image) => ({ by, image, shown: -1, made: null });
const main = newView({ model: DEFAULT_MODEL, seed: null, step: null }, picture);
let others = [];

// One request at a time, always with the newest drawing, until every picture belongs to the drawing that is there. The
// view that is furthest behind comes next, so that none waits for ever while the pen moves.
async function keepUp() {
  if (asking || !main.by.model.name) return;
  asking = true;
  try {
    for (let failures = 0, behind; (behind = furthestBehind());) {
      if (!hasPicture(behind.by)) showNothing(behind);
      else if (await ask(behind, version)) failures = 0;
      else await recover(++failures);
    }
  } finally {
    asking = false;
  }
}

function furthestBehind() {
  const stale = [main, ...others, ...(beside ? [beside] : [])].filter(({ shown }) => shown !== version);
  return stale.reduce((last, next) => (last && last.shown <= next.shown ? last : next), null);
}

function recover(failures) {
  write("Connection lost, trying again…");
  return pause(Math.min(4000, 250 * 2 ** failures));
}

// True: answered. A request that takes too long is given up, but its picture is still welcome if it does come.
async function ask(asker, asked) {
  const started = performance.now();
  const slow = setTimeout(() => asker === main && !inLine && said !== subject() && write("waiting…"), 600);
  const { by } = asker;
  const { model: about, step } = by;
  const { drawing, seed } = requested(by);
  const made = { by, drawing: still(drawing), live: stroke ? liveStrokes().length : 0, isStage: Boolean(shown) };
  const answer = askForPicture({ model: about, seed, step }, forModel(about, drawing), session)
    .then((reply) => (by === asker.by ? receive(asker, reply, asked, made, started) : true)) // else: not what it shows now
    .catch(() => false);
  const answered = await Promise.race([answer, pause(PATIENCE).then(() => false)]);
  clearTimeout(slow);
  return answered;
}

// As it is now, whatever becomes of the stroke that is being drawn.
function still(drawing) {
  if (!stroke) return drawing;
  return { ...drawing, strokes: drawing.strokes.map((each) => (each === stroke ? finishedStroke() : each)) };
}

function receive(asker, reply, asked, made, started) {
  if (!reply || reply.superseded) return false;
  if (reply.again_ms !== undefined) return queue(asker, reply);
  if (asked <= asker.shown) return true; // a newer one has come meanwhile
  if (reply.error) {
    showNothing(asker, asked, reply.error);
    return true;
  }
  if (!reply.picture) return false;
  Object.assign(asker, { shown: asked, made });
  showPicture(asker, reply.picture);
  if (asker === main) {
    noteResult(made, reply.picture);
    if (said !== subject())
      write(Math.round(performance.now() - started) + " ms" + (reply.by ? ", by " + reply.by : ""));
    if (!isBlank()) tryOwn(asker.by.model);
  }
  return true;
}

// Others are before it: the picture that is there stays, and the drawing as it is by then is asked for.
async function queue(asker, { error, again_ms: ms }) {
  if (asker === main && said !== subject()) write(error);
  inLine = asker === main;
  await pause(ms);
  return true;
}

function showPicture(on, url) {
  on.image.src = url;
  on.image.alt = "What " + on.by.model.name + " makes of your drawing";
  on.image.hidden = false;
  if (on !== main) return;
  renewLens();
  setPictureShown(true);
}

function showNothing(on, asked = version, error = "") {
  on.shown = asked;
  on.image.removeAttribute("src");
  on.image.alt = "";
  on.image.hidden = true;
  if (on !== main) return;
  setPictureShown(false);
  write(error, Boolean(error));
}

function setPictureShown(on) {
  if (find(".result").classList.contains("full") === on) return; // it is one of many in a second
  find(".placeholder").hidden = on;
  find(".result").classList.toggle("full", on);
  showLens();
  showWiped();
  for (const button of element.querySelectorAll(".save, .save-both")) button.disabled = !on;
}

let said = ""; // what words in the status are about: a picture of the very same thing leaves them there

const subject = () => [version, main.by.model.name, main.by.seed, main.by.step].join(" ");

function showStatus(text, wrong = false) {
  write(text, wrong);
  said = text && subject();
}

function write(text, wrong = false) {
  said = "";
  inLine = false;
  const status = find(".status");
  status.textContent = text;
  status.classList.toggle("wrong", wrong);
  status.setAttribute("aria-live", wrong ? "assertive" : "off"); // milliseconds are not worth reading aloud
}

let told = ""; // of the drawing that is there: until it changes

function tell(words) {
  told = words;
  showNote();
}

function showNote() {
  const words = told || withoutRoom();
  find(".note").hidden = !words;
  find(".note").classList.toggle("told", Boolean(told));
  find(".note").textContent = words;
}

// A new `by`, so that an answer to what was asked before is not taken for it.
function remake(view, changes) {
  view.by = { ...view.by, ...changes };
  view.shown = -1;
}

// The large picture is made in another way from now on. The one that is there stays until the new one comes.
function makeBy(changes) {
  remake(main, changes);
  const { seed, step } = main.by;
  const kept = seed !== null ? "a variation" : step !== null ? "as it was at step " + step.toLocaleString("en") : "";
  find(".kept-text").textContent = kept;
  find(".kept").hidden = !kept;
  keepUp();
}

// --------------------------------------------------------------------------------------------- below the two boards

function setMode(next) {
  mode = mode === next ? "" : next;
  if (mode !== "history" && main.by.step !== null) makeBy({ step: null });
  showOthers();
  showControls();
}

function showOthers() {
  const rows = { variations: rollVariations, compare: showCompared }[mode]?.() ?? [];
  others = rows.map(({ view }) => view);
  find(".others").replaceChildren(...rows.map(({ figure }) => figure));
  find(".others").hidden = !rows.length;
  find(".again").hidden = mode !== "variations";
  find(".history").hidden = mode !== "history";
  showMaking(mode === "making");
  if (mode === "history") showHistory();
  keepUp();
}

const comparable = () => models.filter((each) => !each.broken && JSON.stringify(each.palette ?? null) === sheetKey());

function showCompared() {
  const rest = comparable().filter(({ name }) => name !== model.name);
  rest.sort((a, b) => (b.name === taught) - (a.name === taught)); // what was just taught comes first
  return rest.slice(0, COMPARED).map((about, i) => {
    const choice = document.createElement("select");
    choice.setAttribute("aria-label", "Compared generator " + (i + 1));
    choice.replaceChildren(...rest.map(({ name }) => new Option(name, name, false, name === about.name)));
    const row = other({ model: { ...DEFAULT_MODEL, ...about }, seed: null, step: null }, choice);
    choice.addEventListener("change", () => {
      const chosen = rest.find(({ name }) => name === choice.value);
      remake(row.view, { model: { ...DEFAULT_MODEL, ...chosen } });
      keepUp();
    });
    return row;
  });
}

function other(by, control) {
  const figure = document.createElement("figure");
  const image = document.createElement("img");
  const caption = document.createElement("figcaption");
  Object.assign(image, { hidden: true, decoding: "sync" });
  caption.append(control);
  figure.append(image, caption);
  return { view: newView(by, image), figure };
}

// What a training has improved since it was asked is asked again.
function renewOthers() {
  for (const view of others) {
    const listed = models.find(({ name }) => name === view.by.model.name);
    if (!listed || listed.stamp === view.by.model.stamp) continue;
    remake(view, { model: { ...DEFAULT_MODEL, ...listed } });
  }
  keepUp();
}

// How the model came to be: the same drawing, as the snapshots of its training see it.
function showHistory() {
  const slider = find(".moment");
  slider.max = model.snapshots.length - 1;
  slider.value = slider.max;
  chooseMoment();
}

function chooseMoment() {
  const step = model.snapshots[find(".moment").value];
  find(".moment").setAttribute("aria-valuetext", "step " + step);
  makeBy({ step, seed: null });
}

async function saveHistory(event) {
  const button = event.currentTarget;
  button.disabled = true;
  showStatus("making the animation…");
  const about = model;
  const drawing = forModel(about).toDataURL("image/png");
  const reply = await server
    .replay({ model: about.name, picture: drawing, session })
    .catch(() => ({ error: "Connection lost." }));
  button.disabled = false;
  showStatus(reply.error ?? "", Boolean(reply.error));
  if (reply.animation) download(reply.animation, about.name + ".webp");
}
