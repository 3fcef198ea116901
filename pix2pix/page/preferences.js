// How someone likes to draw, which the browser remembers beside the drawings.
const PREFERENCES = KEPT + " preferences";
const preferences = readPreferences();

function readPreferences() {
  try {
    return { ...JSON.parse(localStorage.getItem(PREFERENCES)) };
  } catch {
    return {}; // no storage, or what another version has kept
  }
}

function prefer(changes) {
  Object.assign(preferences, changes);
  try {
    localStorage.setItem(PREFERENCES, JSON.stringify(preferences));
  } catch {
    // They live as long as the page.
  }
}

// A number that is preferred, within bounds; else the usual one.
function preferred(value, usual, least, most) {
  return Number.isFinite(value) ? Math.max(least, Math.min(most, value)) : usual;
}
