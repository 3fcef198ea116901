"""How the page is served: to whom, by which names, behind which password."""

import json
import secrets
from collections.abc import Callable

from gradio.route_utils import FnIndexInferError
from gradio.routes import App, ORJSONResponse
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from pix2pix.page import language
from ui.blocks import Page
from ui.demo import ICON, THEME
from ui.draw import assets
from ui.guard import Guard, Rules
from ui.sessions import Sessions
from ui.uploads import Shelf

SESSIONS = 400  # pages whose state is kept; each takes 0.2 MB, and the one that was used least recently goes first
STYLE = """<style>
footer .divider:last-child { display: none; } /* a dot that Gradio puts before nothing */
@media (max-width: 30rem) { .gradio-container .tab-container button { padding: 0 0.5rem; } } /* all fit */
.label-wrap span { text-align: start; } /* of an accordion, in two lines on a phone */
.dark { color-scheme: dark; } /* sliders and check boxes, too */
input[role="combobox"] { text-overflow: ellipsis; }
@media (max-width: 40rem), (pointer: coarse) { /* Gradio's small controls take a finger, and look as before */
  .gradio-container button.label-wrap, .gradio-container label.checkbox-container {
    padding-block: 0.625rem; margin-block: -0.625rem;
  }
  .gradio-container button.label-wrap.open { margin-bottom: -0.125rem; }
  .gradio-container .wrap-inner input[role="combobox"] { padding-block: 0.625rem; margin-block: -0.375rem; }
  .gradio-container :is(.icon-button, .source-selection .icon) { min-width: 1.75rem; min-height: 1.75rem; }
  .gradio-container .source-selection .icon { padding: 0.3125rem; }
  .gradio-container .slider_input_container input { min-height: 1.5rem; margin-block: -0.5rem; }
  .gradio-container .file-preview a { padding-block: 0.375rem; }
  .gradio-container div.tab-like-container { height: 1.75rem; }
}
</style>"""
# Gradio opens a list of choices for each key, also for the Tab that leaves it: there it would stay, over what follows.
CLOSED_LISTS = """<script>
addEventListener("focusout", ({ target }) => {
  const isLeft = () => target.getAttribute("aria-expanded") === "true" && document.activeElement !== target;
  const close = () => target.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  if (target.matches?.("input[role=combobox]")) setTimeout(() => isLeft() && close(), 100);
});
</script>"""
QUEUED = 100  # calls of the Upload tab and of programs that may wait


class GuardedApp(App):
    """Gradio's own app behind the guard. What `app_kwargs` can add comes after Gradio's CORS, which answers for us."""

    def __init__(self, rules: Rules, shelf: Shelf) -> None:
        super().__init__(default_response_class=ORJSONResponse)
        self.rules, self.shelf = rules, shelf
        self.state_holder = Sessions()
        self.add_exception_handler(FnIndexInferError, _unknown)
        self.add_exception_handler(Exception, _failed)
        self.add_route(f"/{assets.PATH}/{{digest}}", assets.serve)  # before Gradio's own, which would take any path

    def build_middleware_stack(self) -> ASGIApp:
        return Guard(super().build_middleware_stack(), self.rules, self.shelf)


def _unknown(request: Request, _: Exception) -> PlainTextResponse:
    return PlainTextResponse(f"There is nothing called {request.url.path.rpartition('/')[2]!r} here.\n", 404)


def _failed(_request: Request, _: Exception) -> PlainTextResponse:
    return PlainTextResponse("Something went wrong on the server; its log says what.\n", 500)


def launch(  # returns at once
    demo: Page,
    rules: Rules,
    host: str,
    port: int | None = None,
    *,
    password: str | None = None,
    share: bool = False,
    inbrowser: bool = False,
) -> str:
    """Serves the page, and returns its address on this machine."""
    demo.queue(max_size=QUEUED)
    demo.shelf = Shelf(rules.kept, demo.temp_file_sets)
    demo.launch(
        server_name=f"[{host}]" if ":" in host and "[" not in host else host,  # an IPv6 address, for Gradio's URLs
        server_port=port,
        share=share,
        inbrowser=inbrowser,
        quiet=not share,  # what it would say of links is of code that is ours; the link it makes it must tell
        auth=asks_for(password) if password else None,
        auth_message="Any user name, and the password that the app was started with.",
        theme=THEME,
        head=STYLE + CLOSED_LISTS + other_languages(),
        favicon_path=ICON,
        pwa=True,
        footer_links=["api"],
        max_file_size=rules.upload,
        state_session_capacity=SESSIONS,
        prevent_thread_lock=True,
        _app=GuardedApp(rules, demo.shelf),
        _frontend=False,  # else Gradio gives up where the page takes 3 s, as on a busy machine; the server has answered
    )
    return demo.local_url or ""


def other_languages() -> str:
    """Fetches what puts the page in the browser's language, where that is not English. It is the first thing to run."""
    kind = "text/javascript; charset=utf-8"
    files = {code: assets.offer(language.script(code).encode(), kind) for code in language.TABLES}
    return f"""<script>
(() => {{
  const file = {json.dumps(files)}[{language.CHOSEN}];
  if (file) document.head.append(Object.assign(document.createElement("script"), {{ src: file }}));
}})();
</script>"""


def asks_for(password: str) -> Callable[[str, str], bool]:
    """Whether someone may come in, by any name."""
    return lambda _, given: secrets.compare_digest(given.encode(), password.encode())
