// One file, no server: answers what the drawing page asks of one, by a network that this browser computes itself.
const RUNTIMES = { wasm: "WebAssembly", webgpu: "WebGPU" };
const RECENT = 20; // pictures whose middle time is told

const text = (id) => document.getElementById(id).textContent;
const { model, samples, table } = JSON.parse(text("page-data"));
const times = [];
let provider = "";

async function unpacked(id) {
  const packed = atob(text(id).trim());
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  document.getElementById(id).remove(); // it is not needed twice
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

const worker = new Worker(URL.createObjectURL(new Blob([text("worker-script")], { type: "text/javascript" })));
const waiting = new Map();
worker.addEventListener("message", ({ data: { id, ...reply } }) => {
  waiting.get(id)(reply);
  waiting.delete(id);
});
worker.addEventListener("error", (event) => {
  for (const answer of waiting.values()) answer({ error: event.message });
  waiting.clear();
});

let asked = 0;
function ask(work, given, transfer = []) {
  return new Promise((answer) => {
    waiting.set(++asked, answer);
    worker.postMessage({ id: asked, work, given }, transfer);
  });
}

async function begin() {
  const [runtime, graph, weights] = await Promise.all(["runtime", "graph", "weights"].map(unpacked));
  const { error, result } = await ask("begin", { runtime, graph, weights, table, model }, [runtime, graph, weights]);
  if (error) throw new Error(error);
  provider = RUNTIMES[result.provider];
  tell("Ready: " + provider + " computes the pictures in this browser, and nothing leaves it.");
}

const ready = begin().catch((error) => {
  tell("This browser cannot compute the pictures: " + error.message);
  return { error: "This browser cannot compute the pictures: " + error.message };
});

const tell = (words) => (document.querySelector(".runs").textContent = words);

function tellTime(ms) {
  times.push(ms);
  if (times.length > RECENT) times.shift();
  const middle = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
  const which = times.length > 1 ? " (median of the last " + times.length + ")" : "";
  tell(`A picture takes ${Math.round(middle)} ms${which}, by ${provider} in this browser; nothing leaves it.`);
}

function board() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = model.size;
  return canvas;
}

async function translate({ picture }) {
  const failed = await ready;
  if (failed) return failed;
  const drawing = new Image();
  drawing.src = picture;
  await drawing.decode();
  const context = board().getContext("2d", { willReadFrequently: true });
  context.drawImage(drawing, 0, 0);
  const { data } = context.getImageData(0, 0, model.size, model.size);
  const { error, result, ms } = await ask("translate", data, [data.buffer]);
  if (error) return { error };
  tellTime(ms);
  const made = board();
  made.getContext("2d").putImageData(new ImageData(result, model.size), 0, 0);
  return { picture: made.toDataURL("image/png") };
}

const offline = {
  models: async () => [model],
  warm_up: async () => (await ready) ?? {},
  translate,
};
