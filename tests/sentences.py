"""The sentences that the interface may show, as its sources have them, in the syntax trees of Python and JavaScript and
in HTML.

A place that is filled in while the app runs stands in a sentence as `{}`.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import tree_sitter
import tree_sitter_javascript

from pix2pix.files.places import ROOT

PLACE = "{}"
MARK = "\ue000"  # a place, in HTML
SPOKEN = ("aria-label", "title", "placeholder", "alt", "data-title")
MOST = 64  # variants of one expression
LANGUAGE = tree_sitter.Language(tree_sitter_javascript.language())

# What is handed over by these names is for machines.
KEYWORDS = {
    "elem_id", "elem_classes", "api_name", "api_visibility", "html_template", "css_template", "js_on_load", "js",
    "trigger_mode", "show_progress", "name", "variant", "size", "format", "file_types", "sources", "buttons", "type",
    "id", "encoding", "errors", "mode", "media_type", "metavar", "prog", "env", "cwd", "dtype", "unit",
    "version", "opset_version", "help", "description", "primary_hue", "neutral_hue", "font", "font_mono",
}  # fmt: skip
CALLS = {
    "getattr", "setattr", "hasattr", "get", "pop", "getLogger", "info", "debug", "warning", "exception", "encode",
    "decode", "startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "split", "glob",
    "rglob", "compile", "sub", "match", "fullmatch", "search", "findall", "strftime", "strptime", "write_text",
    "read_text", "import_module", "add_argument", "add_parser", "print", "getenv", "setdefault", "replace", "version",
    "register_buffer", "TypeVar", "Literal", "open", "write", "_words",
}  # fmt: skip
DEFAULTING = {"get", "getattr", "pop", "setdefault"}  # whose second argument is a value


# --- Python


def of_python(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            child.parent = parent  # pyright: ignore[reportAttributeAccessIssue]
    found: set[str] = set()
    for node in ast.walk(tree):
        if _is_string(node) and not _is_part(node) and not _is_for_machines(node):
            found |= {words for text in _variants(node) for words in of_text(text)}
    return found


def _is_string(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_string(node.left) or _is_string(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


AROUND = (ast.FormattedValue, ast.IfExp, ast.BoolOp, ast.BinOp, ast.Subscript, ast.JoinedStr, ast.List, ast.Tuple)


def _is_part(node: ast.AST) -> bool:
    """Whether it stands in a longer string, of which it is a variant, or in an annotation."""
    above = _above(node)
    while isinstance(above, AROUND):
        if _is_string(above):
            return True
        node, above = above, _above(above)
    annotated = isinstance(above, ast.arg | ast.AnnAssign) and above.annotation is node
    return annotated or (isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef) and above.returns is node)


def _above(node: ast.AST) -> ast.AST:
    return node.parent  # pyright: ignore[reportAttributeAccessIssue]


def _is_for_machines(node: ast.AST) -> bool:
    above = _above(node)
    if isinstance(above, ast.FormattedValue | ast.Expr | ast.Compare | ast.Subscript | ast.BinOp):  # of paths, say
        return True
    if isinstance(above, ast.keyword):
        return above.arg in KEYWORDS
    if isinstance(above, ast.Call):
        name = above.func.attr if isinstance(above.func, ast.Attribute) else getattr(above.func, "id", "")
        of_gradio = isinstance(above.func, ast.Attribute) and getattr(above.func.value, "id", "") == "gr"
        return name in CALLS and not of_gradio and (name not in DEFAULTING or above.args[0] is node)
    if isinstance(above, ast.Tuple | ast.List | ast.Set):
        listed = _above(above)
        exported = isinstance(listed, ast.Assign) and ast.unparse(listed.targets[0]) == "__all__"
        return exported or isinstance(listed, ast.Compare | ast.Subscript)
    return False


def _variants(node: ast.AST) -> list[str]:
    """The texts that an expression may be, with a mark in each place."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else [MARK]
    if isinstance(node, ast.JoinedStr):
        return _joined(_variants(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _is_string(node):
        return _joined([_variants(node.left), _variants(node.right)])
    if isinstance(node, ast.FormattedValue):
        return _variants(node.value)
    if isinstance(node, ast.IfExp) and (_is_string(node.body) or _is_string(node.orelse)):
        return _variants(node.body) + _variants(node.orelse)
    if isinstance(node, ast.BoolOp) and _is_string(node.values[-1]):
        return [MARK, *_variants(node.values[-1])]
    return [MARK]


def _joined(parts: Iterable[list[str]]) -> list[str]:
    texts = ["".join(chosen) for chosen in product(*parts)]
    assert len(texts) <= MOST, f"{texts[0]!r} has {len(texts)} variants: make whole sentences of it"
    return texts


# --- JavaScript


SELECTING = {
    "querySelector", "querySelectorAll", "find", "getElementById", "closest", "matches", "addEventListener",
    "removeEventListener", "createElement", "getContext", "toggle", "add", "remove", "contains", "getItem", "setItem",
    "removeItem", "getPropertyValue", "setProperty", "dispatchEvent", "Event", "KeyboardEvent", "toDataURL", "toBlob",
    "asciiBytes", "webpChunk", "startsWith", "endsWith", "split", "join", "includes", "getAttribute", "removeAttribute",
    "hasAttribute", "toggleAttribute", "createElementNS", "setAttributeNS", "replaceAll", "replace", "add_",
}  # fmt: skip


def of_script(path: Path) -> set[str]:
    tree = tree_sitter.Parser(LANGUAGE).parse(path.read_bytes())
    return {words for text in _script_texts(tree.root_node) for words in of_text(text)}


def _script_texts(node: tree_sitter.Node) -> Iterator[str]:
    if _is_text(node):
        if not _is_for_script(node):
            yield from _script_variants(node)
        return
    for child in node.children:
        yield from _script_texts(child)


def _is_text(node: tree_sitter.Node) -> bool:
    if node.type == "binary_expression" and _operator(node) == "+":
        return any(map(_is_text, (_field(node, "left"), _field(node, "right"))))
    return node.type in ("string", "template_string")


def _operator(node: tree_sitter.Node) -> str:
    return _text(_field(node, "operator"))


def _field(node: tree_sitter.Node, name: str) -> tree_sitter.Node:
    child = node.child_by_field_name(name)
    assert child is not None
    return child


def _text(node: tree_sitter.Node) -> str:
    assert node.text is not None
    return node.text.decode()


def _is_for_script(node: tree_sitter.Node) -> bool:
    above = node.parent
    assert above is not None
    if above.type == "binary_expression":
        return _operator(above) in ("===", "!==", "==", "in", "<", ">")
    if above.type == "arguments" and above.parent is not None:
        called = _text(above.parent.children[0 if above.parent.type == "call_expression" else 1]).split(".")[-1]
        first = above.named_children[0] == node
        return called in SELECTING or (called == "setAttribute" and first)
    if above.type == "pair":
        return above.child_by_field_name("key") == node
    return above.type in ("subscript_expression", "switch_case")


def _script_variants(node: tree_sitter.Node) -> list[str]:
    if node.type == "string":
        return ["".join(_unescaped(child) for child in node.named_children)]
    if node.type == "template_string":
        parts = [_script_variants(child.named_children[0]) if child.type == "template_substitution"
                 else [_unescaped(child)] for child in node.named_children]  # fmt: skip
        return _joined(parts)
    if node.type == "binary_expression" and _is_text(node):
        return _joined([_script_variants(_field(node, "left")), _script_variants(_field(node, "right"))])
    if node.type == "binary_expression" and _operator(node) in ("??", "||") and _is_text(_field(node, "right")):
        return [MARK, *_script_variants(_field(node, "right"))]
    if node.type == "ternary_expression":
        options = [_field(node, "consequence"), _field(node, "alternative")]
        if any(map(_is_text, options)):
            return [text for option in options for text in _script_variants(option)]
    if node.type == "parenthesized_expression":
        return _script_variants(node.named_children[0])
    return [MARK]


def _unescaped(node: tree_sitter.Node) -> str:
    text = _text(node)
    if node.type != "escape_sequence":
        return text
    return ast.literal_eval(f'"{text}"') if text[1] in "nt\"'\\u" else text[1:]


# --- texts of both


def of_text(text: str) -> Iterator[str]:
    """The sentences in a text: those between its tags, if it is HTML."""
    if "<" in text and re.search(r"</?[a-z][^<>]*>", text):
        yield from of_html(text)
        return
    parts = re.split(r"\*\*|`[^`]*`|^#+ |\n", text, flags=re.M) if re.search(r"\*\*|^#+ ", text) else [text]
    yield from filter(is_words, map(_flat, parts))


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace(MARK, PLACE)).strip()


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.silent = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("style", "script", "code", "kbd")
        self.found += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("style", "script", "code", "kbd")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def of_html(text: str) -> Iterator[str]:
    parser = _Texts()
    parser.feed(text)
    parser.close()
    yield from (plain for found in parser.found if re.search("[A-Za-z]{2}", plain := _flat(found)))


def is_words(text: str) -> bool:
    """Whether a text is for people: words with a space between them, or a word that begins as a sentence does."""
    own = text.replace(PLACE, "")
    if not re.search("[A-Za-z]{2}", own):
        return False
    if re.search(r"[;{}]\s*$|^[.#\[<@*/-]|=>|\$\{|^https?:|^[a-z]+(-[a-z0-9]+)+$", own):
        return False
    if re.fullmatch(r"[A-Z0-9_ .]+|[A-Za-z]+[a-z][A-Z]\w*|[A-Z][a-z]+(-[A-Z][a-z]+)+", own.strip()):  # a name
        return False
    if re.match(r"[a-z]+/[a-z]+|(url|translate)\(", own) or "='" in own:  # a type of file, a style, markup
        return False
    return bool(re.search(r"[a-z]…$|[A-Za-z“”\"'.,;:!?)%{}…] +[A-Za-z“\"'({}…0-9]", text) or re.match(r"[A-Z…⇄]", text))


# --- all of them


def sources() -> list[Path]:
    python = [path for folder in ("ui", "pix2pix", "training") for path in sorted((ROOT / folder).rglob("*.py"))]
    scripts = [path for folder in ("ui", "pix2pix") for path in sorted((ROOT / folder).rglob("*.js"))]
    pages = [path for folder in ("ui", "pix2pix") for path in sorted((ROOT / folder).rglob("*.html"))]
    return [path for path in python + scripts + pages if "vendor" not in path.parts]


def found_in(path: Path) -> set[str]:
    if path.suffix == ".py":
        return of_python(path)
    if path.suffix == ".js":
        return of_script(path)
    text = re.sub(r"\{\w+\}", MARK, path.read_text("utf-8")) if path.name == "page.html" else path.read_text("utf-8")
    return set(of_html(text))
