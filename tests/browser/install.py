"""Sees to it that there is a Chromium for the browser tests: the system's, else Debian's, else Playwright's.

Its headless shell is the same without windows, camera and notifications, and takes a fifth less of a processor. Where a
package of it can be had, it is installed too; where not, the tests do without.
"""

import os
import platform
import shutil
import subprocess
import sys

SHELL = "chromium-headless-shell"


def system_chromium() -> str | None:
    """The program of a Chromium, or a Chrome, that is installed; None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def headless_shell() -> str | None:
    """The program of its headless shell, if that is installed, else of the whole; None where there is neither."""
    return shutil.which(SHELL) or system_chromium()


def main() -> None:
    debian = _is_debian() and os.geteuid() == 0
    wanted = [*([] if system_chromium() else ["chromium"]), *([] if shutil.which(SHELL) else [SHELL])]
    if debian and wanted:
        apt = ["apt-get", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"]
        subprocess.run([*apt, "update"], check="chromium" in wanted)
        for name in wanted:
            subprocess.run([*apt, "install", "-y", "--no-install-recommends", name], check=name == "chromium")
    elif not system_chromium():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def _is_debian() -> bool:
    try:
        return platform.freedesktop_os_release()["ID"] == "debian"
    except OSError:
        return False


if __name__ == "__main__":
    main()
