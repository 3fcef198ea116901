// The making of a drawing and of its picture, side by side, as an animation to take along.
const PER_SECOND = 10; // pictures
const MOST_SIDE = 512; // pixels of the drawing and of the picture
const WEBP_QUALITY = 0.85;
const COLOURS_OF_GIF = 256;
const TRIES = 3; // for one picture
let saving = null; // the animation that is being made; null once it is done, or given up

const makesWebp = () => newCanvas(1).toDataURL("image/webp").startsWith("data:image/webp");

async function saveMaking(kind) {
  const job = { drawing: sheet.drawing, by: main.by, kind };
  const button = find(".save-" + kind);
  const hadFocus = document.activeElement === button; // which it loses while it is off
  saving = job;
  showControls();
  try {
    const bytes = await animationOf(job);
    if (bytes) downloadBytes(bytes, "image/" + kind, job.by.model.name + " drawn." + kind);
    if (bytes) showStatus("");
  } catch (error) {
    showStatus("No animation was made: " + reason(error) + ".", true);
  }
  if (saving === job) saving = null;
  showControls();
  if (hadFocus && document.activeElement === document.body) button.focus({ preventScroll: true });
}

const giveUpSaving = () => ((saving = null), showControls());

// Its bytes; null: it was given up.
async function animationOf(job) {
  const { drawing, by, kind } = job;
  const side = Math.min(MOST_SIDE, by.model.size);
  const sheetOf = document.createElement("canvas");
  [sheetOf.width, sheetOf.height] = [2 * side, side];
  const add = { webp: webpFrames, gif: gifFrames }[kind](sheetOf);
  for (const { stage, ms, share } of stagesOf(drawing)) {
    if (saving !== job) return null;
    showStatus("Making the animation: " + Math.round(100 * share) + " % …");
    await paintPair(sheetOf, stage, by);
    await add.frame(ms);
  }
  return add.finish();
}

// The drawing as often as it looks different, and for how long.
function stagesOf(drawing) {
  const length = lengthOf(timeline(drawing));
  const count = Math.round((length / 1000) * PER_SECOND);
  const stages = [];
  for (let i = 1; i <= count; i++) {
    const stage = drawingAfter(drawing, i / count);
    const last = stages.at(-1);
    const places = stage.strokes.map(({ points }) => points.length).join() + stage.strokes.at(-1)?.points.at(-1);
    if (last?.places === places) last.ms += 1000 / PER_SECOND;
    else stages.push({ stage, places, ms: 1000 / PER_SECOND, share: i / count });
  }
  return stages;
}

async function paintPair(target, stage, by) {
  const side = target.height;
  const context = target.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, target.width, side);
  const drawn = forModel(by.model, stage);
  context.drawImage(drawn, 0, 0, side, side);
  if (!stage.strokes.length) return;
  const result = new Image();
  result.src = await translated(drawn, by);
  await result.decode();
  context.drawImage(result, side, 0, side, side);
}

// Beside the pictures that the boards ask for, which have a session of their own.
async function translated(drawn, by) {
  for (let tries = 0; tries < TRIES; tries++) {
    const reply = await askForPicture(by, drawn, session + " making").catch(() => null);
    if (reply?.picture) return reply.picture;
    if (reply?.again_ms !== undefined) {
      tries = -1; // it is there, and others are before us
      await pause(reply.again_ms);
      continue;
    }
    if (reply?.error) throw new Error(reply.error.replace(/\.$/, ""));
    await pause(500 * 2 ** tries);
  }
  throw new Error("the connection is lost");
}

function webpFrames(target) {
  const frames = [];
  return {
    async frame(ms) {
      const blob = await new Promise((resolve) => target.toBlob(resolve, "image/webp", WEBP_QUALITY));
      frames.push({ bytes: new Uint8Array(await blob.arrayBuffer()), ms });
    },
    finish: () => animatedWebp(frames, target.width, target.height),
  };
}

function gifFrames(target) {
  const encoder = GIFEncoder();
  return {
    async frame(ms) {
      const { data, width, height } = target.getContext("2d").getImageData(0, 0, target.width, target.height);
      const palette = quantize(data, COLOURS_OF_GIF);
      encoder.writeFrame(applyPalette(data, palette), width, height, { palette, delay: ms });
    },
    finish: () => (encoder.finish(), encoder.bytes()),
  };
}
