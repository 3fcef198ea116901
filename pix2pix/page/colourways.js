// Variations: four colourways, by a hint that the page puts into the inside of the outline, or on the walls of a map. The
// generator makes the colours. One that has learned from no hints, or a drawing without an inside, varies by the network's
// dropout.
const VARIATIONS = 4;
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

// As a hint, it is a part of the drawing, and can be undone; by dropout, a way to make the picture.
function keepVariation(by) {
  if (hasInside(by)) commit(tinted(sheet.drawing, by.colour));
  else if (props.has_dropout) makeBy({ seed: by.seed });
}

function hasInside({ colour, model: about }) {
  if (!colour || given) return false;
  return about.painted ? hasWall(currentDrawing(), about) : Boolean(regions(currentDrawing().strokes, about).inside);
}

// Without dropout a variation needs an inside.
function hasPicture(by) {
  return !isBlank() && (!by.colour || props.has_dropout || hasInside(by));
}

function tinted(drawing, colour) {
  const own = drawing.strokes.filter(({ tool }) => tool !== "inside"); // a colourway that was kept before gives way
  return { ...drawing, strokes: [...own, { tool: "inside", colour, points: [] }] };
}

// What is asked for a view: the drawing, and the seed of the dropout, or null.
function requested(by) {
  const drawing = currentDrawing();
  const tint = hasInside(by);
  return { drawing: tint ? tinted(drawing, by.colour) : drawing, seed: tint ? null : by.seed };
}

// Why the four look as they do, if their colours have no place in the drawing.
function withoutInside() {
  const blank = !currentDrawing().strokes.length;
  if (mode !== "variations" || blank || !others[0]?.by.colour || hasInside(others[0].by)) return "";
  if (model.painted) return "There is no " + model.painted + " to paint in this map. These four differ by chance.";
  return (
    "Nothing is enclosed by an outline yet, so there is no inside to colour. " +
    (props.has_dropout ? "These four differ by chance." : "Close the outline, and four colours appear here.")
  );
}
