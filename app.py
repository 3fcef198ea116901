"""`python app.py`: the pix2pix studio at http://127.0.0.1:7860."""

import argparse
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000")  # events between two statistics of the queue

LOCAL = ("127.0.0.1", "localhost", "::1")


def main() -> None:
    from ui.demo import ICON, THEME, create_demo, has_desktop
    from ui.studio import Studio

    parser = argparse.ArgumentParser(description="The pix2pix studio: draw, translate and train in the browser.")
    parser.add_argument(
        "--host",
        default=os.environ.get("GRADIO_SERVER_NAME", LOCAL[0]),
        help="address to serve on (default: GRADIO_SERVER_NAME, or this machine only; training is off on others)",
    )
    parser.add_argument("--port", type=int, help="port (default: GRADIO_SERVER_PORT, or the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="make a public link; this switches training off")
    parser.add_argument("--private", action="store_true", help="whoever can open that address may train and the like")
    parser.add_argument("--inbrowser", action=argparse.BooleanOptionalAction, default=has_desktop(), help="open it")
    options = parser.parse_args()

    trusted = options.host in LOCAL or options.private
    studio = Studio(public=bool(options.share or os.environ.get("SPACE_ID") or not trusted))
    demo = create_demo(studio)
    demo.launch(
        server_name=options.host,
        server_port=options.port,
        share=options.share,
        inbrowser=options.inbrowser,
        theme=THEME,
        favicon_path=ICON,
        pwa=True,
        footer_links=["api"],
        prevent_thread_lock=True,
    )
    studio.warm_up_soon()
    demo.block_thread()


if __name__ == "__main__":
    main()
