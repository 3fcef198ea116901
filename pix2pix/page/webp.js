// Pictures of WebP as one animation: the browser makes the pictures, this puts them behind each other.
const ANIMATED = 2; // a flag
const REPLACING = 2; // a frame is not blended with the one before

// Frames are { bytes, ms }, each a file of WebP of the same size.
function animatedWebp(frames, width, height) {
  const head = webpChunk("VP8X", littleEndian([4, ANIMATED], [3, width - 1], [3, height - 1]));
  const loop = webpChunk("ANIM", littleEndian([4, 0xffffffff], [2, 0])); // on white, for ever
  const pictures = frames.map(({ bytes, ms }) => {
    const box = littleEndian([3, 0], [3, 0], [3, width - 1], [3, height - 1], [3, ms], [1, REPLACING]);
    return webpChunk("ANMF", joined(box, ...pictureChunks(bytes)));
  });
  const body = joined(asciiBytes("WEBP"), head, loop, ...pictures);
  return joined(asciiBytes("RIFF"), littleEndian([4, body.length]), body);
}

// Of a file, those chunks that hold the pixels.
function pictureChunks(bytes) {
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = [];
  for (let at = 12; at + 8 <= bytes.length;) {
    const length = 8 + numbers.getUint32(at + 4, true);
    const kind = String.fromCharCode(...bytes.subarray(at, at + 4));
    if (["ALPH", "VP8 ", "VP8L"].includes(kind)) chunks.push(webpChunk(kind, bytes.subarray(at + 8, at + length)));
    at += length + (length % 2);
  }
  return chunks;
}

// Chunks begin at even places.
const webpChunk = (kind, body) =>
  joined(asciiBytes(kind), littleEndian([4, body.length]), body, new Uint8Array(body.length % 2));
