// What leaves the page and what comes into it: pictures, drawings as JSON, and a picture to trace.
const FILE_VERSION = 1;

function download(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

const savePicture = () => download(picture.src, model.name + ".png");

async function saveBoth() {
  const result = new Image();
  result.src = picture.src;
  await result.decode();
  const both = document.createElement("canvas");
  [both.width, both.height] = [2 * model.size, model.size];
  const context = both.getContext("2d");
  context.drawImage(forModel(model), 0, 0);
  context.drawImage(result, model.size, 0, model.size, model.size);
  download(both.toDataURL("image/png"), model.name + " side by side.png");
}

function saveDrawing() {
  const kind = model.palette ? "labels" : "edges";
  const text = JSON.stringify({ version: FILE_VERSION, name: "My drawing", kind, ...sheet.drawing });
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  download(url, "drawing.json");
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// A drawing, or a picture to trace, from a button or dropped on the paper.
async function openAny(file) {
  if (!file) return;
  if (file.type.startsWith("image/")) return trace(file);
  try {
    const read = JSON.parse(await file.text());
    if (read.kind !== (model.palette ? "labels" : "edges")) throw new Error("it is for another kind of model");
    commit(drawingOf(checked(read)));
  } catch (error) {
    showStatus(file.name + " is not a drawing that can be opened here: " + error.message + ".", true);
  }
}

function drawingOf({ strokes, background }) {
  const wide = (line) => ({ ...line, width: line.width ?? TOOLS[line.tool].width ?? undefined });
  return { strokes: strokes.map(wide), background: background ?? backgroundLabel() };
}

// --------------------------------------------------------------------- a picture to trace: the model never sees it

const traced = find(".traced");

async function trace(file) {
  const url = URL.createObjectURL(file);
  traced.src = url;
  try {
    await traced.decode();
    traced.hidden = false;
  } catch {
    untrace();
    showStatus(file.name + " is not a picture that can be shown.", true);
  }
  moveTraced();
  showControls();
}

function untrace() {
  URL.revokeObjectURL(traced.src);
  traced.removeAttribute("src");
  traced.hidden = true;
  showControls();
}

function moveTraced() {
  const shift = (units) => (-100 * units * view.zoom) / UNITS + "%";
  traced.style.transform = "translate(" + shift(view.x) + ", " + shift(view.y) + ") scale(" + view.zoom + ")";
}

function openFile(accept, receiveFile) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  input.addEventListener("change", () => receiveFile(input.files[0]));
  input.click();
}
