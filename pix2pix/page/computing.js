// Pictures that this browser computes itself, in a worker, so that the pen is never held up.
function newComputer(script) {
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  const waiting = new Map();
  let asked = 0;
  worker.addEventListener("message", ({ data: { id, ...reply } }) => {
    waiting.get(id)(reply);
    waiting.delete(id);
  });
  worker.addEventListener("error", (event) => {
    for (const answer of waiting.values()) answer({ error: event.message });
    waiting.clear();
  });
  return {
    ask: (work, given, transfer = []) =>
      new Promise((answer) => {
        waiting.set(++asked, answer);
        worker.postMessage({ id: asked, work, given }, transfer);
      }),
    end: () => worker.terminate(),
  };
}

const inflated = (packed) =>
  new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();

// Pixels of a picture, RGBA, laid on white where they are clear; a generator of drawings gets light strokes on black,
// where they can be seen: as `on_sheet` does it in input_checks.py.
function layOnSheet(data, kind) {
  let [weight, light, empty] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    weight += data[i + 3];
    light += (data[i + 3] * (data[i] + data[i + 1] + data[i + 2])) / 3;
    empty += data[i + 3] === 0;
  }
  const isLight = weight > 0 && light / weight > 192 && empty > data.length / 8;
  const sheetColour = kind === "edges" && isLight ? 0 : 255;
  for (let i = 0; i < data.length; i++) {
    const alpha = data[i - (i % 4) + 3];
    if (i % 4 < 3 && alpha < 255) data[i] = Math.round((alpha * data[i] + (255 - alpha) * sheetColour) / 255);
    else if (i % 4 === 3) data[i] = 255;
  }
  return data;
}

// What the network makes of a board of its size, as a data URL, and how many ms it took.
async function computedPicture(computer, board, kind) {
  const { width, height } = board;
  const { data } = board.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height);
  const { error, result, ms } = await computer.ask("translate", layOnSheet(data, kind), [data.buffer]);
  if (error) return { error };
  const made = document.createElement("canvas");
  Object.assign(made, { width, height });
  made.getContext("2d").putImageData(new ImageData(result, width), 0, 0);
  return { picture: made.toDataURL("image/png"), ms };
}
