// Who asks the server, and the wait before it asks again: for the drawing page, and for the camera.
const session = Math.random().toString(36).slice(2) + Date.now().toString(36);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
