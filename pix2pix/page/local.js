// On a page for strangers the visitor's own machine computes the pictures, where it is quick enough. The server then has
// only files to give, and a small one carries as many people as come.
const QUICK = 150; // ms for a picture
const TRIALS = 3; // pictures until it is known how quick it is
const HUNG = 3000; // ms for a picture, after which none is waited for
const SLUGGISH = 3; // times QUICK: a machine that has become so slow for as many pictures in a row has other things to do
const LIGHTER = 3; // times as quick as its teacher is a generator of half the width (benchmarks/light.py)
// By the name of a model, what computes for it here; null while that is tried, or if nothing does; false if what did has
// handed over to the server, until another model is chosen.
const computers = new Map();

// Once someone has drawn: whoever only looks need not fetch anything. The light one comes first, if there is one, since
// it is small and tells how quick this machine is.
async function tryOwn(about) {
  const { name } = about;
  if (!props.browser_computes || computers.has(name) || navigator.connection?.saveData) return;
  computers.set(name, null);
  const lightName = name + "-light";
  const light = models.some((each) => each.name === lightName && drawsAs(each, about)) ? await begun(lightName) : null;
  if (light && light.ms <= QUICK) computers.set(name, light);
  if (light && light.ms * LIGHTER > QUICK) return endUnused(light);
  const full = await begun(name);
  if (full && full.ms <= QUICK) computers.set(name, full);
  endUnused(light, full);
}

// Whether it takes the very same drawings.
function drawsAs(first, second) {
  return ["size", "palette", "painted"].every((key) => JSON.stringify(first[key]) === JSON.stringify(second[key]));
}

// Of what has handed over: a machine that was busy then may be quick again.
function tryAgain() {
  for (const [name, computer] of computers) if (computer === false) computers.delete(name);
}

function endUnused(...tried) {
  for (const each of tried) if (each && ![...computers.values()].includes(each)) each.computer.end();
}

// Null where it cannot be had: then the server goes on drawing.
async function begun(name) {
  try {
    const { error, model: about, table, files } = await server.parts({ model: name });
    if (error) throw new Error(error);
    const [runtime, graph, weights] = await Promise.all(
      [files.runtime, files.graph, files.weights].map(async (file) => inflated(await fetched(file, "blob"))),
    );
    const computer = newComputer(await fetched(files.worker, "text"));
    const given = { runtime, graph, weights, table, model: about };
    const { error: failed } = await computer.ask("begin", given, [runtime, graph, weights]);
    if (failed) throw new Error(failed);
    return { name, computer, kind: about.kind, ms: await howQuick(computer, about) };
  } catch {
    return null;
  }
}

async function fetched(file, kind) {
  const answer = await fetch(new URL(file, document.baseURI));
  if (!answer.ok) throw new Error(answer.statusText);
  return answer[kind]();
}

async function howQuick(computer, { size, kind }) {
  const paper = document.createElement("canvas");
  paper.width = paper.height = size;
  const times = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    const started = performance.now();
    const { error } = await computedPicture(computer, paper, kind);
    if (error) throw new Error(error);
    times.push(performance.now() - started);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(TRIALS / 2)];
}

// A picture by this browser where it can, else by the server, which takes the newest of each asker; `by` says which, on a page where it may be either.
async function askForPicture({ model: about, seed, step }, board, asker) {
  const made = seed === null && step === null ? await ownPicture(about, board) : null;
  if (made) return made;
  const picture = board.toDataURL("image/png");
  const reply = await server.translate({ model: about.name, session: asker, seed, step, picture });
  return props.browser_computes ? { ...reply, by: "the server" } : reply;
}

// Null where this browser does not compute for that model.
async function ownPicture({ name }, board) {
  const mine = computers.get(name);
  if (!mine) return null;
  const hung = pause(HUNG).then(() => ({ error: "no answer" }));
  const started = performance.now();
  const reply = await Promise.race([computedPicture(mine.computer, board, mine.kind), hung]);
  mine.sluggish = performance.now() - started > SLUGGISH * QUICK ? (mine.sluggish ?? 0) + 1 : 0;
  if (reply.error || mine.sluggish >= SLUGGISH) {
    if (computers.get(name) === mine) computers.set(name, false); // it worked before, and no more: the server goes on
    mine.computer.end();
  }
  return reply.error ? null : { ...reply, by: mine.name === name ? "this browser" : mine.name + " in this browser" };
}
