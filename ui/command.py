"""The command that starts the studio: `python app.py` in a checkout, `pix2pix-studio` where it is installed."""

import argparse
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from pix2pix.quick_imports import import_quickly
from ui.quick_gradio import leave_out_stubs

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000")  # events between two statistics of the queue
leave_out_stubs()

FOLDER = "GRADIO_TEMP_DIR"  # environment variable: where Gradio puts files


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what it has put on disk goes with it
    with folder_of_its_own(), suppress(KeyboardInterrupt):
        _serve(_parser().parse_args())


def command() -> NoReturn:
    """The same, and then the end of the process, which would abort if the interpreter ended below threads that compute:
    while they compile a generator, say.
    """
    main()
    sys.stdout.flush()
    os._exit(0)


@contextmanager
def folder_of_its_own() -> Iterator[None]:
    """All that is uploaded and shown in between lies in a folder that is gone in the end, unless the user chose one.

    To be entered before Gradio is imported, which makes its folder then.
    """
    if os.environ.get(FOLDER):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="pix2pix-studio-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def _serve(options: argparse.Namespace) -> None:
    import_quickly("ui.serving")

    from ui.demo import create_demo, has_desktop
    from ui.guard import Rules, is_loopback
    from ui.serving import launch
    from ui.studio import Studio

    local = is_loopback(options.host)
    public = bool(options.share or os.environ.get("SPACE_ID") or not (local or options.private))
    # Who asks for another name may come through a proxy on this machine, from anywhere.
    closed = not public and (options.private or bool(options.allow_host))
    made = secrets.token_urlsafe(12) if closed and not options.password else ""
    studio = Studio(public, options.precision)
    demo = create_demo(studio)
    rules = Rules.public() if public else Rules.private(options.host, options.allow_host)
    address = launch(
        demo,
        rules,
        options.host,
        options.port,
        password=options.password or made,
        share=options.share,
        inbrowser=has_desktop() if options.inbrowser is None else options.inbrowser,
    )
    print(f"Open {address} in a browser. Ctrl-C stops the app.", flush=True)
    if made:
        print(f"It asks for any user name, and for the password {made}", flush=True)
    studio.warm_up_soon()
    demo.block_thread()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The pix2pix studio: draw, translate and train in the browser.")
    parser.add_argument(
        "--host",
        default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        help="address to serve on (default: GRADIO_SERVER_NAME, or this machine only; training is off on others)",
    )
    parser.add_argument("--port", type=int, help="port (default: GRADIO_SERVER_PORT, or the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="make a public link; this switches training off")
    parser.add_argument("--private", action="store_true", help="whoever has the password may train and the like, on "
                        "another address, too")  # fmt: skip
    parser.add_argument("--password", default=os.environ.get("PIX2PIX_PASSWORD"), help="to be asked for (default: "
                        "PIX2PIX_PASSWORD; with --private or --allow-host one is made and printed)")  # fmt: skip
    parser.add_argument("--allow-host", action="append", default=[], type=_host, metavar="NAME", help="another name by "
                        "which the page is reached, such as that of a proxy; may be given again")  # fmt: skip
    parser.add_argument("--precision", choices=["auto", "fp32"], default="auto", help="of the drawing on a CPU: auto "
                        "computes in bf16 where the CPU has units for it, which is quicker")  # fmt: skip
    parser.add_argument("--inbrowser", action=argparse.BooleanOptionalAction, default=None, help="open it")
    return parser


def _host(text: str) -> str:
    import_quickly("ui.guard")

    from ui.guard import name_of

    if not name_of(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a host, such as studio.example.org")
    return text
