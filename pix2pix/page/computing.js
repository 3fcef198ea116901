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

// What the network makes of a board of its size, as a data URL, and how many ms it took.
async function computedPicture(computer, board) {
  const { width, height } = board;
  const { data } = board.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height);
  const { error, result, ms } = await computer.ask("translate", data, [data.buffer]);
  if (error) return { error };
  const made = document.createElement("canvas");
  Object.assign(made, { width, height });
  made.getContext("2d").putImageData(new ImageData(result, width), 0, 0);
  return { picture: made.toDataURL("image/png"), ms };
}
