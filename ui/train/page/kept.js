// What was chosen in a part of the page, which the browser keeps under a name.
function readKept(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return {};
  }
}

function keep(name, choice) {
  try {
    localStorage.setItem(name, JSON.stringify(choice));
  } catch {
    // It lives as long as the page.
  }
}
