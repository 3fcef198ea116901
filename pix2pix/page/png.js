// Text that a PNG carries beside its picture (an iTXt chunk), and the checksum that its chunks have.
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const HEAD = 33; // bytes: the signature and the first chunk, IHDR, which has one length
const ABOUT_TEXT = [0, 1, 0, 0, 0]; // the keyword ends; compressed, by deflate; no language, no translation

const CRCS = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  return value;
});

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRCS[(crc ^ byte) & 255];
  return (crc ^ -1) >>> 0;
}

// The PNG with a text, as bytes, under a keyword, right after its head: programs then find it before they unpack the picture.
async function withText(png, keyword, text) {
  const packed = await squeezed(text, "deflate");
  const body = joined(asciiBytes("iTXt"), asciiBytes(keyword), ABOUT_TEXT, packed);
  return joined(png.subarray(0, HEAD), bigEndian(body.length - 4), body, bigEndian(crc32(body)), png.subarray(HEAD));
}

// The text under a keyword; null: these bytes are no PNG, or have none. Throws an Error if it is not readable, or longer
// than `most` bytes.
async function textOf(png, keyword, most) {
  if (SIGNATURE.some((byte, i) => png[i] !== byte)) return null;
  const numbers = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const wanted = joined(asciiBytes(keyword), ABOUT_TEXT);
  for (let at = SIGNATURE.length; at + 12 <= png.length; at += 12 + numbers.getUint32(at)) {
    const body = png.subarray(at + 4, at + 8 + numbers.getUint32(at));
    if (!asciiBytes("iTXt").every((byte, i) => body[i] === byte)) continue;
    const data = body.subarray(4);
    if (!wanted.every((byte, i) => data[i] === byte)) continue;
    return new TextDecoder().decode(await unsqueezed(data.subarray(wanted.length), "deflate", most));
  }
  return null;
}

// Whether these first bytes are those of a PNG of 16 bits.
const isDeep = (bytes) => SIGNATURE.every((byte, i) => bytes[i] === byte) && bytes[24] > 8;

const asciiBytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function bigEndian(number) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const squeezed = async (bytes, format) =>
  new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream(format))).arrayBuffer(),
  );

// Bytes that were squeezed come from anywhere: what would grow beyond `most` is given up as soon as it does.
async function unsqueezed(bytes, format, most) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  const parts = [];
  for (let length = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return joined(...parts);
    length += value.length;
    if (length > most) {
      reader.cancel().catch(() => {});
      throw new Error("it is too large");
    }
    parts.push(value);
  }
}
