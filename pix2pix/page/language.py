"""The interface in other languages: a table of sentences, and the script that puts a page in that language.

The first of the browser's languages that is English or has a table decides. See CONTRIBUTING.md on how to add to it.
"""

import json
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parent
TABLES = {"zh": "zh-CN"}  # folders of tables, and the language as a document names it
# As an expression of JavaScript: one of the above, or "en".
CHOSEN = f"""(navigator.languages.map((each) => each.slice(0, 2).toLowerCase())
  .find((each) => {json.dumps(["en", *TABLES])}.includes(each)) ?? "en")"""


@cache
def table(language: str) -> dict[str, str]:
    """English sentences and what they are in that language. Raises ValueError where a sentence stands twice."""
    merged: dict[str, str] = {}
    for path in sorted((PAGE / language).glob("*.json")):
        entries = json.loads(path.read_text("utf-8"))
        if twice := merged.keys() & entries.keys():
            raise ValueError(f"{path.name}: these are in another file, too: {sorted(twice)}")
        merged |= entries
    return merged


@cache
def script(language: str) -> str:
    """Puts the document that it is in in that language; `translated` is for words that go past the document."""
    words = json.dumps(table(language), ensure_ascii=False).replace("<", "\\u003c")
    own = (PAGE / "language.js").read_text("utf-8")
    code = json.dumps(TABLES[language])
    begin = f"globalThis.translated = newPhrasebook({words});\nspeak(globalThis.translated, {code});"
    return f"(() => {{\n{own}\n{begin}\n}})();"


def inline() -> str:
    """HTML that puts the page in the browser's language, where that is not English, with nothing to fetch."""
    kept = "".join(f'<script id="{code}" type="text/plain">{script(code)}</script>\n' for code in TABLES)
    return f"""{kept}<script>
(() => {{
  const spoken = document.getElementById({CHOSEN});
  const running = {{ textContent: spoken?.textContent ?? "" }};
  if (spoken) document.head.append(Object.assign(document.createElement("script"), running));
}})();
</script>"""
