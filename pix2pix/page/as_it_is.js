// A picture that is translated as it is, in place of a drawing; and what is unlike about either for the model.
const REMARK_AFTER = 700; // ms without a change: nobody reads while the pen moves, and the server has better to do
const DEEP =
  "This picture has 16 bits, of which a browser shows 8: translate it in the Upload tab, which takes all of them.";
const MOST_TAKEN = 1024; // pixels a side that are kept of a picture: no model sees more

let given = null; // what the model gets in place of the sheet's drawing, until something is drawn: one of no strokes
let inverted = false; // its light lines on dark are dark on light
let remarking = 0; // the timer

const hasTraced = () => traced.hasAttribute("src");
const isBlank = () => !given && !currentDrawing().strokes.length;

function take(on, dark = false) {
  if (!on && !given) return;
  endMaking();
  inverted = dark;
  given = on ? { strokes: [], background: backgroundLabel(), taken: takenPicture() } : null;
  changed();
}

// What is clear in it stays so, for the server to lay it on what shows its strokes.
function takenPicture() {
  const scale = Math.min(1, MOST_TAKEN / Math.max(traced.naturalWidth, traced.naturalHeight));
  const pad = document.createElement("canvas");
  pad.width = Math.max(1, Math.round(scale * traced.naturalWidth));
  pad.height = Math.max(1, Math.round(scale * traced.naturalHeight));
  const context = pad.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.imageSmoothingEnabled = !model.palette;
  if (inverted) context.fillRect(0, 0, pad.width, pad.height); // light strokes on nothing are on black
  context.drawImage(traced, 0, 0, pad.width, pad.height);
  if (!inverted) return pad;
  context.globalCompositeOperation = "difference";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, pad.width, pad.height);
  return pad;
}

// Squeezed to the model's square, as the pictures of its training were.
function fitted(taken, { size, palette }) {
  const pad = newCanvas(size);
  const context = pad.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.imageSmoothingEnabled = !palette; // between two classes there is no third
  context.drawImage(taken, 0, 0, size, size);
  return pad;
}

function showGiven() {
  find(".given").hidden = !hasTraced() || !(server.remark || (model.colourHints && !model.palette));
  traced.hidden = !hasTraced() || Boolean(given);
  find(".given-text").textContent = given
    ? "Translated as it is until you draw."
    : "To trace: the model does not see it.";
  find(".take").hidden = !server.remark;
  find(".take-colours").hidden = !model.colourHints || Boolean(model.palette);
  find(".take").textContent = given ? "Trace it instead" : "Translate it as it is";
  find(".invert").hidden = !given || Boolean(model.palette);
  press(find(".invert"), inverted);
}

// Asked once the drawing has been left alone for a while; what is said of another one goes at once.
function remarkSoon() {
  clearTimeout(remarking);
  showRemark("");
  if (server.remark && !isBlank() && model.name) remarking = setTimeout(remark, REMARK_AFTER);
}

async function remark() {
  const asked = version;
  const reply = await server.remark({ model: model.name, picture: forModel(model).toDataURL("image/png") }).catch(lost);
  if (asked === version && !stroke) showRemark(given && tracedIsDeep ? DEEP : (reply.remark ?? ""));
}

function showRemark(words) {
  const shownRemark = find(".remark");
  if (shownRemark.textContent === words) return; // as with nearly each move of the pen
  shownRemark.textContent = words;
  shownRemark.hidden = !words;
}
