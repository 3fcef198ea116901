// The pairs that a run is farthest from: looked for when someone asks, and left out of the next run by a click.
//
// Gradio runs answers.js and this as the body of one function of `element`, `server` and `trigger`.
const OPEN = "pix2pix studio hardest"; // in the browser's storage
const LOOK_MS = 2000; // between looks at what was found
const find = (selector) => element.querySelector(selector);
const ask = (what, data) => server[what](data).catch(() => ({ error: "no answer" }));
let shown = { run: "", stamp: "" };
let isAsking = false;

function toggle(open) {
  find(".hard").hidden = !open;
  find(".open-hardest").setAttribute("aria-expanded", open);
  try {
    localStorage.setItem(OPEN, open ? "yes" : "");
  } catch {
    // It lives as long as the page.
  }
  if (open) look();
}

const runOfPage = () => document.querySelector("#train-status [data-run]")?.dataset.run ?? "";

async function look() {
  if (!element.isConnected) return clearInterval(timer);
  const run = runOfPage();
  // Without a run there is nothing to look through; what was open is so again when there is one.
  find(".open-hardest").hidden = !run;
  find(".hard").style.display = run ? "" : "none";
  if (find(".hard").hidden || document.hidden || isAsking || !run) return;
  isAsking = true;
  const stamp = run === shown.run ? shown.stamp : "none";
  const found = await ask("found", { run, stamp });
  if (!found.error && !found.stamp && !found.looking && !found.problem && run !== shown.run)
    await ask("begin", { run });
  isAsking = false;
  if (run === runOfPage()) show(run, found);
}

function show(run, found) {
  const { looking, problem, error, stamp = "", step, looked_at: lookedAt, pairs } = found;
  find(".look").disabled = Boolean(looking);
  if (looking) return say("Looking through the pairs …");
  if (problem || error) say("Nothing was found: " + (problem || error) + ".");
  if (stamp === shown.stamp && run === shown.run) return;
  shown = { run, stamp };
  find(".pairs").replaceChildren(...(pairs ?? []).map(newPair));
  chosenChanged();
  if (!pairs) return;
  const counts = Object.entries(lookedAt).map(([split, [count, all]]) => `${count} of ${all} of ${split}`);
  say(
    `The pairs with the largest error (L1) of ${counts.join(" and ")}, at step ${step.toLocaleString("en")}: input, ` +
      "target, and what the generator makes. Is one of them wrong, leave it out.",
  );
}

const say = (words) => (find(".hint").textContent = words);

function newPair({ split, file, error, picture }) {
  const label = document.createElement("label");
  const image = Object.assign(new Image(), { src: picture, alt: "Input, target and result of " + file });
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: file });
  box.addEventListener("change", chosenChanged);
  label.append(image, box, `${file}, ${split}, ${error.toFixed(3)}`);
  return label;
}

const chosen = () => [...element.querySelectorAll(".pairs input:checked")].map(({ value }) => value);

function chosenChanged() {
  const count = chosen().length;
  find(".leave").disabled = !count;
  find(".leave").textContent = count > 1 ? `Leave these ${count} out of the next run` : "Leave it out of the next run";
}

// The form is filled, and whoever asked for it looks it over and starts the run.
function leaveOut() {
  trigger("leave_out", { run: shown.run, files: chosen() });
}

async function lookAgain() {
  find(".look").disabled = true;
  await ask("begin", { run: runOfPage() });
  shown = { run: runOfPage(), stamp: "" };
  look();
}

find(".open-hardest").addEventListener("click", () => toggle(find(".hard").hidden));
find(".look").addEventListener("click", lookAgain);
find(".leave").addEventListener("click", leaveOut);
const timer = setInterval(look, LOOK_MS);
try {
  if (localStorage.getItem(OPEN)) toggle(true);
} catch {
  // It begins closed.
}
look();
