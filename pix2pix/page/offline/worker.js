// Runs in a worker, so that the pen is never held up. Comes after onnxruntime-web, whose global is `ort`.
const WASM = "ort-wasm-simd.wasm"; // by which name the runtime asks for it, with a GPU and without
const TOO_SLOW = 1000; // ms for a picture: a GPU in name only
// The runtime asks an adapter what it is by the name that this had then.
if (self.GPUAdapter) {
  GPUAdapter.prototype.requestAdapterInfo ??= async function () {
    return this.info;
  };
}

let session;
let about; // size, inChannels, outChannels, palette, colourHints

// The kernels came as whole numbers with a scale for each of their rows; the runtime gets the file with all in fp32.
function unpacked(rest, weights, { kernels, bits }) {
  const scales = new Float32Array(
    weights,
    0,
    kernels.reduce((sum, [, rows]) => sum + rows, 0),
  );
  const numbers = new { 8: Int8Array, 16: Int16Array }[bits](weights, scales.byteLength);
  const file = new Uint8Array(rest.byteLength + 4 * numbers.length);
  let [from, to, at, row] = [0, 0, 0, 0];
  const copy = (bytes) => {
    file.set(bytes, to);
    to += bytes.byteLength;
  };
  for (const [place, rows, length] of kernels) {
    copy(new Uint8Array(rest, from, place - from));
    from = place;
    const kernel = new Float32Array(rows * length);
    for (let i = 0; i < kernel.length; i++) kernel[i] = numbers[at + i] * scales[row + Math.floor(i / length)];
    copy(new Uint8Array(kernel.buffer));
    at += kernel.length;
    row += rows;
  }
  copy(new Uint8Array(rest, from));
  return file;
}

async function begin({ runtime, graph, weights, table, model }) {
  about = model;
  ort.env.wasm.numThreads = 1; // a page from disk may not share memory between threads
  ort.env.wasm.wasmPaths = { [WASM]: URL.createObjectURL(new Blob([runtime], { type: "application/wasm" })) };
  const file = unpacked(graph, weights, table);
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  let problem;
  for (const provider of adapter ? ["webgpu", "wasm"] : ["wasm"]) {
    try {
      session = await ort.InferenceSession.create(file, { executionProviders: [provider] });
      const paper = new Uint8ClampedArray(4 * about.size ** 2);
      await translate(paper); // the first one takes longer
      const started = performance.now();
      if (provider !== "wasm") await translate(paper);
      if (performance.now() - started < TOO_SLOW) return { provider };
    } catch (error) {
      problem = error; // a GPU that cannot do it: then without
    }
  }
  throw problem;
}

// RGBA in, RGBA out, both size x size.
async function translate(rgba) {
  const { size, inChannels, outChannels, palette } = about;
  if (palette) snapped(rgba, about);
  const area = size * size;
  const a = new Float32Array(inChannels * area);
  for (let i = 0; i < area; i++) {
    const [red, green, blue] = [rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]];
    if (inChannels === 1) a[i] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue) / 127.5 - 1;
    else [a[i], a[area + i], a[2 * area + i]] = [red / 127.5 - 1, green / 127.5 - 1, blue / 127.5 - 1];
  }
  const { b } = await session.run({ a: new ort.Tensor("float32", a, [1, inChannels, size, size]) });
  const made = new Uint8ClampedArray(4 * area); // which rounds, and clips
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) {
      made[4 * i + channel] = (b.data[(outChannels === 1 ? 0 : channel * area) + i] + 1) * 127.5;
    }
    made[4 * i + 3] = 255;
  }
  return made;
}

onmessage = async ({ data: { id, work, given } }) => {
  try {
    const started = performance.now();
    const result = work === "begin" ? await begin(given) : await translate(given);
    postMessage({ id, result, ms: performance.now() - started });
  } catch (error) {
    postMessage({ id, error: String(error?.message ?? error) });
  }
};
