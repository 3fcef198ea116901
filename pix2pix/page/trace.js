// A picture to trace: it lies under the drawing, for the one who draws alone. The model never sees it.
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
  moveOverlays();
  showControls();
}

function untrace() {
  URL.revokeObjectURL(traced.src);
  traced.removeAttribute("src");
  traced.hidden = true;
  showControls();
}
