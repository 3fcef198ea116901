// A slider over the picture: left of it is the drawing, or what another model makes of it, and right of it the picture.
const DRAWING = ""; // in the place of a model's name
const wipe = find(".wipe");
const wiper = find(".wiper");
let wiping = preferences.wiping === true;
let beside = null; // the view of another model

function toggleWipe() {
  wiping = !wiping;
  prefer({ wiping });
  wiper.value = 50;
  showWipe();
  keepUp();
}

function chooseBeside({ target }) {
  prefer({ beside: target.value });
  showWipe();
  keepUp();
}

// What it is between has changed, or whether it is there.
function showWipe() {
  const rest = comparable().filter(({ name }) => name !== model.name);
  const about = rest.find(({ name }) => name === preferences.beside);
  const choice = find(".beside");
  const options = [{ name: DRAWING }, ...rest].map(({ name }) => new Option(name || "your drawing", name));
  choice.replaceChildren(...options);
  choice.value = about?.name ?? DRAWING;
  find(".beside-choice").hidden = !wiping || !rest.length;
  if (!wiping || !about) beside = null;
  else if (beside?.by.model.name !== about.name || beside.by.model.stamp !== about.stamp) {
    beside = newView({ model: { ...DEFAULT_MODEL, ...about }, seed: null, step: null }, find(".wiped-picture"));
    beside.image.hidden = true;
  }
  find(".wiped-drawing").hidden = Boolean(beside);
  find(".wiped-picture").hidden = !beside?.image.hasAttribute("src");
  const [left, right] = [about?.name ?? "Your drawing", about ? model.name : "Picture"];
  find(".wipe-left").textContent = left;
  find(".wipe-right").textContent = right;
  wiper.setAttribute("aria-label", "From " + left + " to " + right);
  press(find(".slide"), wiping);
  moveWipe();
  showWiped();
}

function moveWipe() {
  wipe.style.setProperty("--at", wiper.value + "%");
}

// There is nothing to slide over without a picture.
function showWiped() {
  wipe.hidden = !wiping || picture.hidden;
  paintSoon();
}

function paintWiped() {
  if (wipe.hidden || beside) return;
  const target = find(".wiped-drawing");
  const side = Math.round(wipe.clientWidth * devicePixelRatio);
  if (!side) return;
  if (target.width !== side) target.width = target.height = side;
  paint(target, currentDrawing(), model);
}
