// One file, no server: answers what the drawing page asks of one, by a network that this browser computes itself.
const RUNTIMES = { wasm: "WebAssembly", webgpu: "WebGPU" };
const RECENT = 20; // pictures whose middle time is told

const text = (id) => document.getElementById(id).textContent;
const { model, samples, table, checks } = JSON.parse(text("page-data"));
const times = [];
let provider = "";

function unpacked(id) {
  const packed = atob(text(id).trim());
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  document.getElementById(id).remove(); // it is not needed twice
  return inflated(bytes);
}

const computer = newComputer(text("worker-script"));

async function begin() {
  const [runtime, graph, weights] = await Promise.all(["runtime", "graph", "weights"].map(unpacked));
  const { error, result } = await computer.ask("begin", { runtime, graph, weights, table, model }, [
    runtime,
    graph,
    weights,
  ]);
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

async function boardOf(picture, side) {
  const drawing = new Image();
  drawing.src = picture;
  await drawing.decode();
  const board = document.createElement("canvas");
  board.width = board.height = side;
  board.getContext("2d", { willReadFrequently: true }).drawImage(drawing, 0, 0, side, side);
  return board;
}

async function translate({ picture }) {
  const failed = await ready;
  if (failed) return failed;
  const { ms, ...reply } = await computedPicture(computer, await boardOf(picture, model.size), model.kind);
  if (!reply.error) tellTime(ms);
  return reply;
}

async function remark({ picture }) {
  const side = Math.min(model.size, checks.LOOKED_AT);
  const board = await boardOf(picture, side);
  const { data } = board.getContext("2d").getImageData(0, 0, side, side);
  return { remark: remarkOn(layOnSheet(data, model.kind), side, model, checks) };
}

const offline = {
  models: async () => [model],
  warm_up: async () => (await ready) ?? {},
  translate,
  remark,
};
