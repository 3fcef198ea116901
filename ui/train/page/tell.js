// How the training that is shown is getting on, in the title of the page and, where someone wants them, in notifications
// of the browser: for those who look at something else meanwhile.
//
// Gradio runs this as the body of a function of `element`. What there is to tell is read from what the page shows.
const WANTED = "pix2pix studio tell"; // in the browser's storage
const usualTitle = document.title;
const ENDS = { finished: "has finished", stopped: "has stopped", failed: "has failed" };
const wanted = element.querySelector("input");
const note = element.querySelector(".quiet");
let seen = null; // of the last look
let ended = ""; // words, once it ended while someone had the page open

function look() {
  if (!element.isConnected) return watcher.disconnect();
  const line = document.querySelector("#train-status [data-run]");
  const rules = [...document.querySelectorAll("#train-coach [data-rule]")];
  const now = line && { ...line.dataset, rules: rules.map((rule) => rule.dataset.rule) };
  const before = now?.run === seen?.run ? seen : null;
  if (!before || now?.state in ENDS === false) ended = "";
  if (before && now) {
    if (before.state !== now.state && now.state in ENDS) {
      ended = now.run + " " + ENDS[now.state];
      tell(ended, line.textContent);
    }
    for (const rule of rules) {
      if (!before.rules.includes(rule.dataset.rule)) tell("The coach of " + now.run, rule.textContent);
    }
  }
  seen = now;
  showTitle();
}

function showTitle() {
  const going = seen && ["starting", "running", "stopping"].includes(seen.state);
  const words = going ? seen.percent + " % " + seen.run : ended;
  const warns = going && seen.rules.length ? "⚠ " : "";
  const title = words ? warns + words + " · " + usualTitle : usualTitle;
  if (document.title !== title) document.title = title;
}

function tell(title, body) {
  if (!wanted.checked) return;
  try {
    const shown = new Notification(title, { body, tag: title });
    shown.addEventListener("click", () => (window.focus(), shown.close()));
  } catch {
    showNote("This browser shows no notifications of pages; the title tells all the same.");
  }
}

const showNote = (words) => (note.textContent = words);

async function choose() {
  if (wanted.checked && Notification.permission !== "granted") {
    const answer = await Notification.requestPermission();
    wanted.checked = answer === "granted";
    showNote(wanted.checked ? "" : "The browser does not allow it: its settings for this page decide.");
  }
  try {
    localStorage.setItem(WANTED, wanted.checked ? "yes" : "");
  } catch {
    // It lives as long as the page.
  }
}

function isWanted() {
  try {
    return localStorage.getItem(WANTED) === "yes";
  } catch {
    return false;
  }
}

const can = window.isSecureContext && "Notification" in window; // elsewhere the title alone tells
element.querySelector("label").hidden = !can;
wanted.checked = can && isWanted() && Notification.permission === "granted";
wanted.addEventListener("change", choose);
const watcher = new MutationObserver(look);
watcher.observe(document.querySelector("#train-status").closest(".column"), { childList: true, subtree: true });
look();
