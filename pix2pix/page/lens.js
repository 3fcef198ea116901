// The lens: the picture lies on the drawing, so that one draws on the picture. The lines stay on top of it.
const USUAL_STRENGTH = 70; // per cent of the picture; the rest is the drawing below
const lensed = find(".lensed");
let lensOn = preferences.lens === true;

function toggleLens() {
  lensOn = !lensOn;
  prefer({ lens: lensOn });
  showLens();
  showControls();
}

function chooseStrength({ target }) {
  prefer({ strength: Number(target.value) });
  showLens();
}

function showLens() {
  const strength = preferred(preferences.strength, USUAL_STRENGTH, 0, 100);
  const seen = lensOn && !picture.hidden;
  if (seen) lensed.src = picture.src;
  lensed.style.opacity = strength / 100;
  lensed.hidden = !seen;
  find(".strength").hidden = !lensOn;
  find(".strength input").value = strength;
  paintSoon();
}

// The picture is another one.
function renewLens() {
  if (!lensed.hidden) lensed.src = picture.src;
}

// The lines alone, as on the canvas that lies below.
function paintLens(context) {
  const scale = (context.canvas.width / UNITS) * view.zoom;
  context.setTransform(scale, 0, 0, scale, -view.x * scale, -view.y * scale);
  if (!model.palette && !seesModel) paintInk(context, currentDrawing().strokes, (model.lineWidth * UNITS) / model.size);
  context.globalCompositeOperation = "source-over"; // the eraser takes from what is there
}

// What lies on the paper moves with it.
function moveOverlays() {
  const shift = (units) => (-100 * units * view.zoom) / UNITS + "%";
  for (const overlay of [traced, lensed]) {
    overlay.style.transform = "translate(" + shift(view.x) + ", " + shift(view.y) + ") scale(" + view.zoom + ")";
  }
}
