// The camera: what it sees is sent frame by frame, one at a time and always the newest, and comes back as a drawing and
// its picture. It is asked for by a button and no sooner, and freed by another one. Where this browser computes the
// pictures of the Draw tab, it makes these, too, and only the drawings come from the server.
//
// Gradio runs this as the body of a function of `element`, `props`, `server` and `watch`.
const LEAST_MS = 66; // from frame to frame: 15 a second are smooth, and leave the machine to others
const PATIENCE = 10_000; // ms until a request counts as lost
const LOOK_MS = 200; // while nobody looks, between looks whether someone does
const WRONG_MS = 2000; // after which what went wrong is tried again
const QUALITY = 0.9; // of a frame as JPEG
const UNITS = 256; // of the sides of a drawing
const WANTED = { width: { ideal: 640 }, height: { ideal: 480 } };
const NO_LEAVE =
  "A browser gives its camera only to pages that came over https, or from this machine itself, as http://127.0.0.1 does. " +
  "This page came another way.";
const BEFORE =
  "What the camera sees is translated live. Its pictures go to the server of this page, which keeps none of them.";
const WHY = {
  NotAllowedError:
    "The browser does not let this page use the camera. Allow it in the browser's settings for this page.",
  NotFoundError: "This machine has no camera, or the browser does not see it.",
  NotReadableError: "The camera cannot be read: another program may be using it.",
};
const find = (selector) => element.querySelector(selector);
const video = find("video");
let model = null; // { name, size }; null: the camera is not for the one that is chosen
let stream = null;
let starting = 0; // the number of the last start: one that was stopped meanwhile is not wanted any more
let last = null; // what is shown: { model, detail, frame, drawing, picture }

async function start(camera) {
  const number = ++starting;
  if (!navigator.mediaDevices?.getUserMedia) return say(NO_LEAVE, true);
  find(".start").disabled = true;
  say("The browser asks whether this page may use the camera.");
  const which = camera ? { deviceId: { exact: camera } } : { facingMode: "environment" };
  const got = await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...which } }).catch((error) => error);
  find(".start").disabled = false;
  if (!(got instanceof MediaStream)) {
    if (number === starting) say(WHY[got.name] ?? "The camera could not be started: " + got.message + ".", true);
    return;
  }
  if (number !== starting || !model) return free(got);
  stream = got;
  const [track] = got.getVideoTracks();
  track.addEventListener("ended", () => {
    if (stream !== got) return;
    stop();
    say("The camera is gone: it was unplugged, or the browser took it back.", true);
  });
  find(".camera").classList.toggle("mirrored", track.getSettings().facingMode !== "environment"); // as a mirror shows it
  video.srcObject = got;
  video.play().catch(() => {}); // it was stopped at once
  say("");
  showControls();
  showCameras(track.getSettings().deviceId);
  follow(got);
}

const free = (freed) => freed.getTracks().forEach((track) => track.stop());

function stop() {
  starting += 1;
  if (stream) free(stream);
  stream = video.srcObject = last = null;
  find(".pace").textContent = "";
  for (const image of element.querySelectorAll(".seen img")) image.hidden = true;
  say(BEFORE);
  showControls();
}

function showControls() {
  find(".camera").hidden = !model;
  find(".start").hidden = Boolean(stream);
  for (const part of element.querySelectorAll(".shoot, .stop, .detail, .seen")) part.hidden = !stream;
  find(".which").hidden = !stream || find("select").options.length < 2;
  find(".shoot").disabled = !last;
}

async function showCameras(used) {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  find("select").replaceChildren(
    ...cameras.map(
      ({ deviceId, label }, i) => new Option(label || "Camera " + (i + 1), deviceId, false, deviceId === used),
    ),
  );
  showControls();
}

function say(words, isWrong = false) {
  find(".hint").textContent = words;
  find(".hint").classList.toggle("wrong", isWrong);
}

// ------------------------------------------------------------------------------------------------------------- live

// One request at a time, with what is seen by then, as long as this camera is on.
async function follow(camera) {
  for (let failures = 0; stream === camera;) {
    if (!element.isConnected) return stop();
    const isSeen = Boolean(element.offsetParent) && !document.hidden;
    for (const track of camera.getTracks()) track.enabled = isSeen; // else nothing is taken, and its light may go out
    if (!isSeen || !video.videoWidth) {
      await pause(LOOK_MS);
      continue;
    }
    const began = performance.now();
    const about = { model: model.name, detail: Number(find(".detail input").value), frame: frameOf(model.size) };
    const reply = await answered(seen(about));
    if (stream !== camera) return;
    if (!reply || reply.error) say(reply?.error ?? "Connection lost, trying again…", true);
    if (reply?.picture) show({ ...about, ...reply }, performance.now() - began);
    failures = reply?.error || !reply ? failures + 1 : 0;
    await pause(reply?.again_ms ?? (failures ? WRONG_MS : LEAST_MS - (performance.now() - began)));
  }
}

async function seen(about) {
  const make = last && props.browser_computes ? ownPictures(about.model) : null;
  if (!make) {
    const reply = await server.see(asRequest(about));
    return props.browser_computes ? { ...reply, by: "the server" } : reply;
  }
  const found = await server.see({ ...asRequest(about), edges_only: true });
  if (!found.drawing) return found;
  const made = await make(await boardOf(found.drawing));
  return made && { ...found, ...made }; // if not, the next one is the server's again
}

// What makes pictures of drawings in this browser, by the Draw tab; null where nothing does.
function ownPictures(name) {
  let found = null;
  hand({ what: "compute", memory: { model: name }, answer: (make) => (found = make) });
  return found;
}

async function boardOf(url) {
  const image = Object.assign(new Image(), { src: url });
  await image.decode();
  const board = document.createElement("canvas");
  [board.width, board.height] = [image.width, image.height];
  board.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0);
  return board;
}

const asRequest = ({ model: name, detail, frame }) => ({ model: name, detail, picture: frame, session });

// Null: it is lost.
const answered = (asked) => Promise.race([asked.catch(() => null), pause(PATIENCE).then(() => null)]);

// The square in the middle, as the generator is to see it.
function frameOf(size) {
  const side = Math.min(video.videoWidth, video.videoHeight);
  const [x, y] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
  const made = document.createElement("canvas");
  made.width = made.height = size;
  const context = made.getContext("2d");
  context.imageSmoothingQuality = "high";
  if (find(".mirrored")) context.setTransform(-1, 0, 0, 1, size, 0);
  context.drawImage(video, x, y, side, side, 0, 0, size, size);
  return made.toDataURL("image/jpeg", QUALITY);
}

function show(made, ms) {
  if (!last || find(".hint.wrong")) say("");
  last = made;
  for (const part of ["drawing", "picture"]) {
    find(".seen ." + part).src = made[part];
    find(".seen ." + part).hidden = false;
  }
  find(".seen .drawing").alt = "The edges of what the camera sees";
  find(".seen .picture").alt = "What " + made.model + " makes of them";
  find(".pace").textContent = Math.round(ms) + " ms" + (made.by ? ", by " + made.by : "");
  showControls();
}

// ------------------------------------------------------------------------------------------------------------ shots

// What is shown, with its drawing as strokes: the Draw tab keeps it among what was made, and it can be drawn on there.
async function shoot() {
  const shot = last;
  find(".seen").classList.remove("flash");
  void find(".seen").offsetWidth; // so that it begins anew
  find(".seen").classList.add("flash");
  const { lines, error } = (await answered(server.lines(asRequest(shot)))) ?? { error: "Connection lost." };
  if (error) return say("This shot was not kept. " + error, true);
  const strokes = lines.map((line) => ({ tool: "pen", points: line.map((point) => point.map(toUnits)) }));
  const memory = { kind: "edges", model: shot.model, seed: null, step: null, strokes };
  hand({ what: "keep", memory, picture: shot.picture });
  find(".shots").prepend(cardOf(shot, memory));
  say("The shot is kept in the Draw tab too, in the row “What you made”, by this browser alone.");
}

const toUnits = (share) => Math.round(100 * UNITS * share) / 100; // as fine as a link tells them

const hand = (detail) => document.dispatchEvent(new CustomEvent("pix2pix-handed", { detail }));

function cardOf({ drawing, picture }, memory) {
  const card = document.createElement("div");
  card.className = "shot";
  const pictures = [drawing, picture].map((src) => Object.assign(new Image(), { src, alt: "" }));
  const save = newButton("Save", "The picture remembers its drawing: drop it on the paper to go on", () =>
    hand({ what: "save", memory, picture }),
  );
  const draw = newButton("Draw on it", "Its lines in the Draw tab, to go on with", () => {
    hand({ what: "open", memory, picture });
    document.querySelector("button[role=tab]")?.click(); // the first tab is Draw
  });
  card.append(...pictures, save, draw);
  return card;
}

function newButton(words, title, act) {
  const button = Object.assign(document.createElement("button"), { type: "button", title, textContent: words });
  button.addEventListener("click", act);
  return button;
}

// ------------------------------------------------------------------------------------------------------------ begin

function choose() {
  model = props.value || null;
  if (!model && stream) stop();
  showControls();
}

find(".start").addEventListener("click", () => start());
find(".stop").addEventListener("click", stop);
find(".shoot").addEventListener("click", shoot);
find("select").addEventListener("change", ({ target }) => {
  stop();
  start(target.value);
});
watch("value", choose);
say(BEFORE);
choose();
