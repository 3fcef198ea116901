// A picture to trace: it lies under the drawing, for the one who draws alone. The model sees it only where it is taken: given.js.
const traced = find(".traced");
let tracedIsDeep = false;

async function trace(file) {
  take(false); // of one that was there before
  traced.src = URL.createObjectURL(file);
  try {
    await traced.decode();
    tracedIsDeep = isDeep(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
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
  take(false);
  showControls();
}
