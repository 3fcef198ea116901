// From a drawing to a training: pinned to one, or with what it should have become, for the model to learn.
const LEARNING = 2000; // ms between looks at how the learning is getting on
let taught = ""; // the model that was taught last

async function pinDrawing() {
  const reply = await server.pin({ model: model.name, picture: forModel(model).toDataURL("image/png") }).catch(lost);
  showStatus(reply.error ?? reply.words, Boolean(reply.error));
}

async function correct(file) {
  const about = model;
  const drawn = forModel(about).toDataURL("image/png");
  const target = await squareOf(file, about.size);
  if (!target) return showStatus(file.name + " is not a picture that can be shown.", true);
  const reply = await server.correct({ model: about.name, picture: drawn, target }).catch(lost);
  if (reply.error) return showStatus(reply.error, true);
  if (await isLearned(reply.run)) await compareWith(reply.run);
}

const lost = () => ({ error: "Connection lost." });

async function squareOf(file, size) {
  const sent = new Image();
  sent.src = URL.createObjectURL(file);
  try {
    await sent.decode();
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(sent.src);
  }
  const square = newCanvas(size);
  square.getContext("2d").drawImage(sent, 0, 0, size, size);
  return square.toDataURL("image/png");
}

async function isLearned(run) {
  while (element.isConnected) {
    const { error, state, words } = await server.learning({ run }).catch(() => ({ words: "Connection lost…" }));
    showStatus(error ?? words, Boolean(error));
    if (error || state === "stopped") return false;
    if (state === "finished") return true;
    await pause(LEARNING);
  }
  return false;
}

// Before and after, side by side: the drawing is there still, or another one.
async function compareWith(run) {
  taught = run;
  await refreshModels();
  mode = "";
  setMode("compare");
}
