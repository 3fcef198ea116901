// All keys, as they act and as the help card lists them.
const WIDER = 2; // units by which a key makes a tool broader
const TOOL_KEYS = { p: "pen", c: "colour", r: "rect", b: "brush", f: "fill", i: "pick", e: "eraser" };
const nameOf = (name) => find(".tool[data-tool=" + name + "]").textContent.trim();
const KEYS = [
  ...Object.entries(TOOL_KEYS).map(([key, name]) => ({
    keys: [key],
    does: () => nameOf(name),
    act: () => chooseTool(name),
    offered: () => isOffered(name),
  })),
  { keys: ["[", ","], does: () => "Finer tool", act: () => widen(-WIDER) },
  { keys: ["]", "."], does: () => "Broader tool", act: () => widen(WIDER) },
  { keys: ["s"], does: () => "Symmetry: both sides at once", act: toggleSymmetry },
  { keys: ["m"], does: () => "Mirror the drawing", act: mirror },
  { keys: ["l"], does: () => "Overlay: draw on the picture", act: toggleLens },
  { keys: ["w"], does: () => "Slider over the picture", act: toggleWipe },
  { keys: ["n"], does: () => "What the network sees", act: toggleSeen },
  { keys: ["x"], does: () => "Crosshair", act: toggleCrosshair },
  { keys: ["+"], does: () => "Zoom in", act: () => zoomBy(ZOOM_STEP) },
  { keys: ["-"], does: () => "Zoom out", act: () => zoomBy(1 / ZOOM_STEP) },
  { keys: ["0"], does: () => "All of the paper", act: () => look(WHOLE) },
  { keys: ["?"], does: () => "This card", act: showHelp },
];
const GESTURES = [
  ["Ctrl Z", "Undo"],
  ["Ctrl Y", "Redo"],
  ["Shift", "A straight line, while you draw"],
  ["Ctrl and wheel, two fingers", "Zoom"],
  ["Wheel, two fingers", "Move the enlarged paper"],
  ["Arrows, Enter", "Point with Fill or Pick, on the paper"],
  ["Drop a file", "A drawing, or a picture to trace"],
];

function pressKey(event) {
  if (!element.isConnected) return document.removeEventListener("keydown", pressKey);
  const typing = event.target.closest?.(
    "input:not([type=range], [type=checkbox]), textarea, select, [contenteditable=true]",
  );
  if (typing || !canvas.offsetParent || event.altKey) return;
  const key = event.key.toLowerCase();
  const act = event.ctrlKey || event.metaKey ? { y: redo, z: event.shiftKey ? redo : undo }[key] : actOf(key);
  if (!act) return;
  event.preventDefault();
  act();
}

// Keys without Ctrl can be switched off, for those who speak to their computers.
function actOf(key) {
  const known = KEYS.find(({ keys, offered }) => keys.includes(key) && offered?.() !== false);
  return preferences.singleKeys === false && key !== "?" ? null : known?.act;
}

function widen(by) {
  if (widths[tool]) chooseWidth(widths[tool] + by);
}

function chooseWidth(width) {
  widths[tool] = preferred(width, TOOLS[tool].width, NARROWEST, BROADEST);
  prefer({ widths });
  showControls();
  showCursor();
}

// ---------------------------------------------------------------------------------------------------- the help card

function showHelp() {
  const offered = KEYS.filter((each) => each.offered?.() !== false);
  const keys = offered.map(({ keys: [key], does }) => [key.toUpperCase(), does()]);
  find(".help .single").replaceChildren(...keys.flatMap(helpRow));
  find(".help .gestures").replaceChildren(...GESTURES.flatMap(helpRow));
  find(".single-keys").checked = preferences.singleKeys !== false;
  find(".crosshair-choice").checked = crosshair;
  if (!find(".help").open) find(".help").showModal();
}

function helpRow([key, does]) {
  const [term, words] = [document.createElement("dt"), document.createElement("dd")];
  term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
  words.textContent = does;
  return [term, words];
}

// A press beside the card is one on its backdrop.
function closeHelp({ target, currentTarget }) {
  if (target === currentTarget) currentTarget.close();
}
