"""Sees to it that there is a Chromium for the browser tests: the system's, else Debian's, else Playwright's."""

import os
import platform
import shutil
import subprocess
import sys


def system_chromium() -> str | None:
    """The program of a Chromium, or a Chrome, that is installed; None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def main() -> None:
    if system_chromium():
        return
    if _is_debian() and os.geteuid() == 0:
        subprocess.run(["apt-get", "update"], check=True)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", "chromium"], check=True)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def _is_debian() -> bool:
    try:
        return platform.freedesktop_os_release()["ID"] == "debian"
    except OSError:
        return False


if __name__ == "__main__":
    main()
