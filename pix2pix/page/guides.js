// What helps hand and eye and is no part of the drawing: it lies above the paper and the lens.
const above = find(".above");
let crosshair = preferences.crosshair === true;

function paintAbove() {
  const isAiming = POINTING.includes(tool) && canvas.matches(":focus-visible");
  above.hidden = lensed.hidden && !symmetric && !isAiming; // mostly: then there is one layer less to put together
  if (above.hidden) return;
  above.width = above.height = canvas.width; // which clears it
  const context = above.getContext("2d");
  if (!lensed.hidden) paintLens(context);
  context.setTransform(1, 0, 0, 1, 0, 0);
  if (symmetric) paintGuide(context, axisPath(), [4 * devicePixelRatio, 6 * devicePixelRatio]);
  if (isAiming) paintGuide(context, aimPath(), []);
}

// White around dark, so that it is seen on any colour.
function paintGuide(context, path, dashes) {
  for (const [shade, width] of [
    ["#fff", 3],
    ["#333", 1.25],
  ]) {
    context.strokeStyle = shade;
    context.lineWidth = width * devicePixelRatio;
    context.setLineDash(dashes);
    context.stroke(path);
  }
}

const onScreen = (units, from) => ((units - from) * view.zoom * canvas.width) / UNITS;

const axisPath = () => new Path2D("M" + onScreen(UNITS / 2, view.x) + " 0V" + canvas.width);

// Where the keys point.
function aimPath() {
  const arm = (6 * canvas.width) / UNITS;
  const [x, y] = [onScreen(aim.x, view.x), onScreen(aim.y, view.y)];
  return new Path2D("M" + (x - arm) + " " + y + "H" + (x + arm) + "M" + x + " " + (y - arm) + "V" + (y + arm));
}

function toggleCrosshair() {
  crosshair = !crosshair;
  prefer({ crosshair });
  find(".crosshair").hidden = true; // until the pointer moves
  showControls();
}

// Two lines through the pointer, all over the paper. A finger covers what they would show.
function moveCrosshair({ type, pointerType, clientX, clientY }) {
  const lines = find(".crosshair");
  lines.hidden = !crosshair || type === "pointerleave" || pointerType === "touch";
  if (lines.hidden) return;
  const box = canvas.getBoundingClientRect();
  lines.style.setProperty("--x", clientX - box.left + "px");
  lines.style.setProperty("--y", clientY - box.top + "px");
}
