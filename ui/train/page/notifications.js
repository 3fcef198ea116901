// How the trainings get on, in the title of the page and, where someone wants them, in notifications of the browser: for
// those who look at something else meanwhile, another tab of this page too.
//
// Gradio runs answers.js, kept.js and this as the body of one function of `element` and `server`.
const WANTED = "pix2pix studio tell"; // in the browser's storage
const LOOK_MS = 3000;
const ENDS = { finished: "has finished", stopped: "has stopped", failed: "has failed" };
const usualTitle = document.title;
const say = globalThis.translated ?? ((words) => words); // what a notification says is not part of the document
let seen = new Map(); // by the name of the run: the trainings of the last look that had not ended
let ended = ""; // words, once one ended while someone had the page open
let isLooking = false;

async function look() {
  if (!element.isConnected) return clearInterval(timer);
  if (isLooking) return;
  isLooking = true;
  const { trainings } = await server.trainings({ known: [...seen.keys()] }).catch(() => ({}));
  isLooking = false;
  if (!trainings) return; // the next look may tell
  for (const now of trainings) if (seen.has(now.run)) hear(seen.get(now.run), now);
  seen = new Map(trainings.filter(({ state }) => !(state in ENDS)).map((now) => [now.run, now]));
  showTitle();
}

function hear(before, now) {
  if (now.state in ENDS) {
    ended = now.run + " " + ENDS[now.state];
    tell(ended, now.words.map(say).join(" · "));
  }
  for (const [rule, words] of Object.entries(now.rules)) {
    if (!(rule in before.rules)) tell("The coach of " + now.run, say(words));
  }
}

function showTitle() {
  const going = [...seen.values()].find(({ state }) => state !== "queued");
  if (going) ended = "";
  const words = going ? going.percent + " % " + going.run : ended;
  const warns = going && Object.keys(going.rules).length ? "⚠ " : "";
  const title = words ? warns + words + " · " + usualTitle : usualTitle;
  if (document.title !== title) document.title = title;
}

function tell(title, body) {
  const box = document.querySelector("#train-tell input"); // there once the Train tab was looked at
  if (!(box ? box.checked : readKept(WANTED) === true)) return;
  try {
    const shown = new Notification(say(title), { body, tag: title });
    shown.addEventListener("click", () => (window.focus(), shown.close()));
  } catch {
    const note = document.querySelector("#train-tell .quiet");
    if (note) note.textContent = "This browser shows no notifications of pages; the title tells all the same.";
  }
}

const timer = setInterval(look, LOOK_MS);
look();
