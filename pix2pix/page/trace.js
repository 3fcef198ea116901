// A picture to trace: it lies under the drawing, for the one who draws alone. The model sees it only where it is taken: as_it_is.js.
const traced = find(".traced");
let tracedIsDeep = false;

async function trace(file) {
  const url = URL.createObjectURL(file);
  try {
    await Object.assign(new Image(), { src: url }).decode();
  } catch {
    URL.revokeObjectURL(url);
    return showStatus(file.name + " is not a picture that can be shown.", true); // what was there before stays
  }
  untrace(); // of one that was there before
  if (said === subject()) showStatus(""); // that another file could not be shown
  traced.src = url;
  await traced.decode();
  tracedIsDeep = isDeep(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
  moveOverlays();
  showControls();
}

function untrace() {
  URL.revokeObjectURL(traced.src);
  traced.removeAttribute("src");
  take(false);
  showControls();
}
