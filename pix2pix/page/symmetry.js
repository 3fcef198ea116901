// Symmetry: what is drawn on one side of the paper is drawn on the other side at the same time.
let symmetric = preferences.symmetric === true;
let twin = { of: -1, line: null }; // of the version of the drawing that it belongs to

function toggleSymmetry() {
  symmetric = !symmetric;
  prefer({ symmetric });
  changed();
}

const across = ([x, ...rest]) => [UNITS - x, ...rest];

// A stroke, and its twin if there is one. A part of the drawing that is not enclosed there has none.
function withTwin(line) {
  if (!symmetric) return [line];
  const second = { ...line, points: line.points.map(across), twin: true };
  return line.tool === "fill" && !isFillable(second.points[0]) ? [line] : [line, second];
}

// The same for the stroke that is being drawn: its twin is made once for each version, so that its outline is kept.
function liveStrokes() {
  if (twin.of !== version) {
    twin = { of: version, line: withTwin(finishedStroke())[1] };
  }
  return twin.line ? [stroke, twin.line] : [stroke];
}
