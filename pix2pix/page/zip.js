// A zip of files that are not squeezed any further, since pictures already are.
const FOLDER_END = 0x06054b50; // signatures, as the format has them
const IN_FOLDER = 0x02014b50;
const FILE = 0x04034b50;
const UTF8_NAMES = 0x0800;
const ZIP_VERSION = 20; // of the format, times ten

// Files are { name, bytes, at }, `at` in milliseconds since 1970.
function zipped(files) {
  const parts = [];
  const folder = [];
  let offset = 0;
  for (const { name, bytes, at } of files) {
    const path = new TextEncoder().encode(name);
    const about = [
      [2, ZIP_VERSION],
      [2, UTF8_NAMES],
      [2, 0],
      ...dosTime(at),
      [4, crc32(bytes)],
      [4, bytes.length],
      [4, bytes.length],
      [2, path.length],
      [2, 0],
    ];
    const head = littleEndian([4, FILE], ...about);
    folder.push(
      littleEndian([4, IN_FOLDER], [2, ZIP_VERSION], ...about, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]),
      path,
    );
    parts.push(head, path, bytes);
    offset += head.length + path.length + bytes.length;
  }
  const size = folder.reduce((sum, part) => sum + part.length, 0);
  const end = littleEndian(
    [4, FOLDER_END],
    [4, 0],
    [2, files.length],
    [2, files.length],
    [4, size],
    [4, offset],
    [2, 0],
  );
  return joined(...parts, ...folder, end);
}

// Two seconds are the finest it has, and 1980 its first year.
function dosTime(at) {
  const time = new Date(at);
  const clock = (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1);
  return [
    [2, clock],
    [2, ((time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate()],
  ];
}

// Numbers as [how many bytes, value].
function littleEndian(...numbers) {
  return Uint8Array.from(
    numbers.flatMap(([count, value]) => Array.from({ length: count }, (_, i) => (value >>> (8 * i)) & 255)),
  );
}
