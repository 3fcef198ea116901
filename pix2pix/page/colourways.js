// Variations: four colourways, by a hint that the page puts into the inside of the outline, or on the walls of a map. The
// generator makes the colours. One that has learned from no hints, or a drawing without an inside, or whose inside has
// colours of its own, varies by the network's dropout.
const VARIATIONS = 4;
const ROOM = 0.25; // of the inside that has no colour of its own, or the four would look alike
// Colours that shoes have: those of a row differ by far.
const COLOURWAYS = [
  ["#1c1c1f", "#be8c5a", "#e2dac8", "#b81e28"], // black, tan, white, red
  ["#1e2a50", "#78482a", "#dcaca0", "#80848a"], // navy, brown, blush, grey
  ["#641826", "#7c7e46", "#dccca6", "#6a94bc"], // burgundy, olive, cream, sky blue
  ["#3e261a", "#cc9c36", "#c4c8ce", "#286e4c"], // dark brown, mustard, light grey, green
];
// And those of walls.
const WALLS = [
  ["#9e5442", "#e6dcc2", "#66666a", "#d0a45c"], // brick, cream, slate, ochre
  ["#d29c92", "#869e74", "#f0ece2", "#6e4038"], // rose, sage, white, dark brick
  ["#b4b2ae", "#b0623e", "#5c7288", "#e8c870"], // stone, terracotta, blue grey, straw
  ["#807c54", "#f0dcd2", "#3e3c3c", "#9c3f3a"], // olive, blush, charcoal, ox blood
];
const SHADE = 0.08; // by how much they become lighter or darker, from one turn through the rows to the next
let roll = 0; // "Again" makes the next one: the same drawing and roll give the same pictures

function colourway(number, rows) {
  const turn = Math.floor(number / rows.length);
  const lightest = rows === WALLS ? 244 : 224; // a lighter hint would not be seen on paper
  return rows[number % rows.length].map((value, i) => {
    const shade = 1 + (turn ? SHADE * Math.sin(turn * (i + 2)) : 0);
    const channels = [1, 3, 5].map((at) =>
      Math.min(lightest, Math.round(parseInt(value.slice(at, at + 2), 16) * shade)),
    );
    return "#" + channels.map((channel) => channel.toString(16).padStart(2, "0")).join("");
  });
}

function rollVariations() {
  const { model: about, step } = main.by;
  const colours = about.colourHints ? colourway(roll, about.painted ? WALLS : COLOURWAYS) : [];
  return Array.from({ length: VARIATIONS }, (_, i) => {
    const seed = about.colourHints ? VARIATIONS * roll + i : Math.floor(Math.random() * 2 ** 31);
    const button = newButton("Keep variation " + (i + 1), () => keepVariation(row.view.by));
    button.textContent = "Keep";
    const row = other({ model: about, seed, step, colour: colours[i] ?? null }, button);
    return row;
  });
}

const rollAgain = () => ((roll += 1), showOthers());

// Whether a seed changes what it makes: the page in one file has no dropout, and some networks have none.
const isNoisy = (about) => props.has_dropout && about.dropout;

// As a hint, it is a part of the drawing, and can be undone; by dropout, a way to make the picture.
function keepVariation(by) {
  if (hasRoom(by)) commit(tinted(sheet.drawing, by.colour));
  else if (isNoisy(by.model)) makeBy({ seed: by.seed });
}

// Whether the colour of a view has a place in the drawing.
function hasRoom({ colour, model: about }) {
  return Boolean(colour) && !given && bareShare(currentDrawing(), about) > ROOM;
}

// Of what could be coloured the share that has no colour of its own; null: nothing could be.
function bareShare(drawing, about) {
  if (about.painted) return bareWalls(drawing, about);
  const { inside } = regions(drawing.strokes, about);
  const own = drawing.strokes.filter(({ tool }) => tool !== "inside");
  if (!inside || !own.some(({ tool }) => HINTS.includes(tool))) return inside && 1;
  const { data } = hintsAlone(own, about);
  let [all, bare] = [0, 0];
  inside.forEach((within, at) => {
    all += within;
    bare += within && data[4 * at + 3] < 128;
  });
  return bare / all;
}

// Without dropout a variation needs a place for its colour.
function hasPicture(by) {
  return !isBlank() && (!by.colour || isNoisy(by.model) || hasRoom(by));
}

function tinted(drawing, colour) {
  const own = drawing.strokes.filter(({ tool }) => tool !== "inside"); // a colourway that was kept before gives way
  return { ...drawing, strokes: [...own, { tool: "inside", colour, points: [] }] };
}

// What is asked for a view: the drawing, and the seed of the dropout, or null.
function requested(by) {
  const drawing = currentDrawing();
  const tint = hasRoom(by);
  return { drawing: tint ? tinted(drawing, by.colour) : drawing, seed: tint ? null : by.seed };
}

// Why the four look as they do, if their colours have no place in the drawing.
function withoutRoom() {
  const blank = !currentDrawing().strokes.length;
  if (mode !== "variations" || blank || !others[0]?.by.colour || hasRoom(others[0].by)) return "";
  const full = bareShare(currentDrawing(), model) !== null;
  if (model.painted && full)
    return (
      "Nearly all of the " +
      model.painted +
      " in this map is painted. " +
      (isNoisy(model) ? "These four differ by chance." : "Draw some of it anew, and four colours appear here.")
    );
  if (model.painted)
    return (
      "There is no " +
      model.painted +
      " to paint in this map. " +
      (isNoisy(model) ? "These four differ by chance." : "Add some, and four colours appear here.")
    );
  if (full)
    return (
      "Nearly all of the inside has colours of its own. " +
      (isNoisy(model) ? "These four differ by chance." : "Erase some of them, and four colours appear here.")
    );
  return (
    "Nothing is enclosed by an outline yet, so there is no inside to colour. " +
    (isNoisy(model) ? "These four differ by chance." : "Close the outline, and four colours appear here.")
  );
}
