// Whether someone wants to be notified: notifications.js does it.
//
// Gradio runs answers.js, kept.js and this as the body of one function of `element`.
const WANTED = "pix2pix studio tell"; // in the browser's storage
const wanted = element.querySelector("input");
const note = element.querySelector(".quiet");

async function choose() {
  if (wanted.checked && Notification.permission !== "granted") {
    const answer = await Notification.requestPermission();
    wanted.checked = answer === "granted";
    note.textContent = wanted.checked ? "" : "The browser does not allow it: its settings for this page decide.";
  }
  keep(WANTED, wanted.checked);
}

const can = window.isSecureContext && "Notification" in window; // elsewhere the title alone tells
element.querySelector("label").hidden = !can;
wanted.checked = can && readKept(WANTED) === true && Notification.permission === "granted";
wanted.addEventListener("change", choose);
