"""`python app.py`: the pix2pix studio at http://127.0.0.1:7860. Installed, the same command is `pix2pix-studio`."""

from ui.command import command

if __name__ == "__main__":
    command()
