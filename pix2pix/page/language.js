// The interface in another language. The page is written in English, wherever its words come from; what arrives in it is
// put in that language by a table of sentences before it is painted. A page in English runs nothing of this.
//
// A sentence has places, as in "{step} of {total}". What stands in one is put in that language too, if the table knows
// it, except in places for names, which people gave. Places for numbers and for names of runs and models take nothing
// else, and at its beginning a sentence takes no other before it. A reason that the table does not know, such as the words
// of a library, is quoted. Text within translate="no" is left alone, and so are fields.
const NAMES = ["name", "run", "model", "file", "folder", "path", "label", "text"]; // {file} and {file2} are two of them
const WORDLESS = ["name", "run", "model"]; // of them, those without a space
const NUMBERS = ["count", "step", "total", "width", "height", "percent", "least", "most"];
const LISTS = ["list"]; // with a comma between
const REASONS = ["reason"];
const LETTERS = /[A-Za-z]/;
const SENTENCE = /^[^“]*[A-Za-z]+ [A-Za-z]+[^“]*$/;
const MARKS = { ".": "。", ";": "；", ":": "：" }; // at the end of a part
const FULL = /[。！？：；，、）”]$/; // such marks have their space with them
const NUMBER = "([-−]?\\d[\\d.,e+-]*%?)";
const ONE_SENTENCE = "((?:(?![.;:] ).)+?)"; // in its place, at the beginning or the end
const HEAD = 6; // letters at the beginning of a sentence by which it is found
const REMEMBERED = 3000; // texts
const LONGEST = 3000; // letters of a text that is looked up
const SPOKEN = ["aria-label", "aria-description", "aria-valuetext", "title", "placeholder", "alt", "label"];
const SILENT = "script, style, textarea, code, pre, [translate=no]";
const CHOICE = "input[role=combobox]"; // Gradio's choices show the words of one in a field

// What says a text in the language of a table; a text that it does not know comes back as it is.
function newPhrasebook(table) {
  const sentences = new Map();
  const patterns = new Map(); // by their first letters, those with more words of their own first
  for (const [english, other] of Object.entries(table)) {
    if (english.includes("{")) addPattern(patterns, english, other);
    else sentences.set(english, other);
  }
  for (const found of patterns.values()) found.sort((one, two) => two.own - one.own);

  const remembered = new Map();
  function say(text) {
    if (!LETTERS.test(text) || text.length > LONGEST) return text;
    let said = remembered.get(text);
    if (said === undefined) {
      said = translated(text);
      if (remembered.size >= REMEMBERED) remembered.clear();
      remembered.set(text, said);
    }
    return said;
  }

  function translated(text) {
    const [, before, words, after] = text.match(/^(\s*)(.*?)(\s*)$/s);
    const said = known(words.replaceAll(/\s+/g, " ")) ?? inParts(words);
    return said === undefined ? text : before + said + after;
  }

  // Whole, or without the mark at its end.
  function known(words) {
    const said = sentences.get(words) ?? byPattern(words);
    if (said !== undefined || !Object.hasOwn(MARKS, words.at(-1))) return said;
    const bare = words.slice(0, -1);
    const saidBare = sentences.get(bare) ?? byPattern(bare);
    return saidBare === undefined ? undefined : saidBare + MARKS[words.at(-1)];
  }

  function byPattern(words) {
    for (let length = Math.min(HEAD, words.length); length >= 0; length--) {
      for (const { pattern, places, other, tail } of patterns.get(words.slice(0, length)) ?? []) {
        const found = words.endsWith(tail) && pattern.exec(words);
        if (!found) continue;
        const values = places.map((place, i) => inPlace(place, found[i + 1]));
        return other.replaceAll(/\{(\w+)\}/g, (_, place) => values[places.indexOf(place)]);
      }
    }
    return undefined;
  }

  function inPlace(place, words) {
    if (isOf(NAMES, place)) return words;
    if (isOf(LISTS, place)) return words.split(", ").map(say).join("、");
    const said = say(words);
    return isOf(REASONS, place) && said === words && SENTENCE.test(words) ? "“" + words + "”" : said;
  }

  // Several sentences, or lines: as much of the beginning as is known, else its first part as it is, and then the rest.
  function inParts(words) {
    const cuts = [...words.matchAll(/(?<=[.!?:;…])\s+|\n+/g)];
    const heads = cuts.map((cut) => known(words.slice(0, cut.index).replaceAll(/\s+/g, " ")));
    const at = Math.max(
      0,
      heads.findLastIndex((head) => head !== undefined),
    );
    if (!cuts.length) return undefined;
    const [gap] = cuts[at];
    const rest = words.slice(cuts[at].index + gap.length);
    const [head, tail] = [heads[at] ?? words.slice(0, cuts[at].index), say(rest)];
    if (heads[at] === undefined && tail === rest) return undefined;
    return head + (FULL.test(head) && !gap.includes("\n") ? "" : gap) + tail;
  }

  return say;
}

const isOf = (places, place) => places.includes(place.replace(/\d+$/, ""));

function addPattern(patterns, english, other) {
  const parts = english.split(/\{(\w+)\}/);
  const own = parts.filter((_, i) => i % 2 === 0);
  const escaped = own.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const places = parts.filter((_, i) => i % 2);
  const contents = places.map((place, i) => {
    if (isOf(NUMBERS, place)) return NUMBER;
    if (isOf(WORDLESS, place)) return "(\\S+?)";
    if (isOf(NAMES, place)) return "((?:(?!;(?: |$)).)+?)";
    const isLast = i === places.length - 1 && own.at(-1) === "."; // else it would take the sentences that follow
    return isLast || !(i || own[0] || place === "words") ? ONE_SENTENCE : "(.+?)";
  });
  const pattern = new RegExp("^" + escaped.map((part, i) => part + (contents[i] ?? "")).join("") + "$", "s");
  const head = own[0].slice(0, HEAD);
  if (!patterns.has(head)) patterns.set(head, []);
  patterns.get(head).push({ pattern, places, other, own: own.join("").length, tail: own.at(-1) });
}

// Puts all that a document shows in a language, now and as it changes. An observer is told before the page is painted.
function speak(say, code) {
  const put = (node) => {
    if (node.parentElement?.closest(SILENT)) return;
    const said = say(node.data);
    if (said !== node.data) node.data = said;
  };
  const putAttribute = (element, name) => {
    const value = element.getAttribute(name);
    if (value === null || element.closest("[translate=no]")) return;
    const said = say(value);
    if (said !== value) element.setAttribute(name, said);
  };
  const putAll = (root) => {
    if (root.nodeType === Node.TEXT_NODE) return put(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) put(walker.currentNode);
    const named = SPOKEN.map((name) => `[${name}]`).join();
    for (const element of [root, ...root.querySelectorAll(named)]) {
      for (const name of SPOKEN) putAttribute(element, name);
    }
    for (const field of [root, ...root.querySelectorAll(CHOICE)]) if (field.matches(CHOICE)) putChoice(field, say);
  };
  const observer = new MutationObserver((changes) => {
    for (const { type, target, attributeName, addedNodes } of changes) {
      if (type === "characterData") put(target);
      else if (type === "attributes") putAttribute(target, attributeName);
      else addedNodes.forEach(putAll);
    }
    observer.takeRecords(); // of what was put there just now
  });
  document.documentElement.lang = code;
  putAll(document.documentElement);
  observer.observe(document.documentElement, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: SPOKEN,
  });
}

// A field that shows a choice: it shows the words for it, and whoever reads it by script still reads the choice.
function putChoice(field, say) {
  if (Object.hasOwn(field, "value")) return;
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
  let [given, shown] = ["", ""];
  const show = (value) => {
    [given, shown] = [String(value ?? ""), say(String(value ?? ""))];
    set.call(field, shown);
  };
  Object.defineProperty(field, "value", {
    configurable: true,
    get: () => (get.call(field) === shown ? given : get.call(field)),
    set: show,
  });
  show(get.call(field));
}
