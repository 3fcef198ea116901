// A picture that another part of the app has made of a drawing, as the camera does: it is kept with the others, saved,
// or its drawing is taken up. And such a part may ask at once for what makes its pictures in this browser.
const HANDED = "pix2pix-handed";

async function takeHanded({ type, detail: { what, memory, picture: url, answer } }) {
  if (!element.isConnected) return document.removeEventListener(type, takeHanded);
  if (what === "compute") return answer(ownPictures(memory.model));
  const kept = { version: VERSION, name: "My drawing", ...memory };
  if (what === "open") return recallResult({ memory: kept });
  if (what === "save") {
    const bytes = await remembering(pngOf(url), kept);
    return downloadBytes(bytes, "image/png", memory.model + ".png");
  }
  const about = models.find(({ name }) => name === memory.model);
  if (!about) return;
  const drawing = thumbnailOf(memory, about).toDataURL("image/png");
  addResult({
    id: session + " " + Date.now(),
    at: Date.now(),
    starred: false,
    memory: kept,
    drawing,
    picture: url,
  });
}

// Null where nothing does, or nothing yet.
function ownPictures(name) {
  tryOwn({ name });
  return computers.get(name) ? (board) => ownPicture({ name }, board) : null;
}
