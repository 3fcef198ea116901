"""The form of the Train tab: what to train on, which way, and how long."""

import html
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from pix2pix.data.folders import unused_name
from pix2pix.data.intake import bring, demo, receive
from pix2pix.data.layouts import Reading
from pix2pix.files.places import runs_dir
from training.config import DEMO_SETTINGS, PRESETS, Direction, Layout, Preset
from training.run import Run
from ui.train.checkup import Checkups, findings_html, look_at, readings_html
from ui.train.cost import Costs
from ui.train.fields import advanced, default_values, typed
from ui.train.init_from import DRAWINGS, begin_from, fit, generator_choices, offer_generators, offer_shipped
from ui.train.starting import start
from ui.uploads import by_path, forget
from ui.words import errors_on_page

POLL_S = 1.0
# A press on a button takes the focus from the folder. What is found there moves that button: it waits for the click.
WAIT_FOR_RELEASE = """(...given) => new Promise((resolve) => {
    const go = () => setTimeout(resolve, 0, given);
    if (!document.querySelector(":active")) return go();
    for (const event of ["mouseup", "dragend", "pointercancel"]) addEventListener(event, go, { once: true });
    setTimeout(go, 1000);  // an end that no event tells of
})"""
SCROLL_TO_FORM = """() => {
  const folder = document.getElementById("train-folder");
  if (!folder) return;
  folder.tabIndex = -1;
  folder.focus({ preventScroll: true }); // the Tab key goes on from here
  folder.scrollIntoView({ behavior: "smooth" });
}"""
NAMED = 4  # of the pairs that are left out
OWN_LABELS = "Label maps, in the colours that were found"
INPUT_KINDS: dict[str, dict[str, str]] = {
    "Any picture": {"kind": "image"},
    DRAWINGS: {"kind": "edges"},
    "Photos": {"kind": "photo"},
    "Facade labels, in the 12 CMP colours": {"kind": "labels", "palette": "cmp"},
    OWN_LABELS: {"kind": "labels"},
}
PRESET_WORDS: dict[Preset, str] = {
    "quick": "Quick: 128 px, 2,000 steps, a first impression",
    "recommended": "Recommended: 256 px, 6,000 steps, clean materials",
    "paper": "Paper: 256 px, 200 times through the pictures",
}
DEFAULT_PRESET: Preset = "recommended"
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}  # of an event
OF_A_GENERATOR = ("crop_size", "ngf")  # which a run that begins from one must have of it
OF_ITS_INPUT = ("init_from", "one_hot", "colour_hints")  # a shipped one, and what it is used to see


@dataclass(frozen=True)
class ShownFolder:
    """What the page shows of a folder."""

    folder: str = ""
    direction: Direction = "AtoB"
    checkup: str = ""  # what to ask for it by
    pairs: int = 0  # to train on
    folders: tuple[str, ...] = ()  # that are A and B, where a choice was made
    left_out: tuple[str, ...] = ()  # of its pairs, by a run whose settings the form was filled with
    readings: tuple[Reading, ...] = ()  # to choose from, where it can be read in more than one way


class Form:
    """The form; `connect` gives it life."""

    def __init__(self) -> None:
        self.checkups, self.costs = Checkups(), Costs()
        self.demo = gr.Button("Try it now, with pictures drawn by code", size="sm", elem_id="train-demo")
        self.folder = gr.Textbox(
            label="Folder of pictures",
            info="Pairs side by side, folders A and B, or only photos (their edges are made for you). Or a dataset of "
            "the Hugging Face Hub, as owner/name.",
            placeholder="/path/to/pictures",
            max_lines=1,
            elem_id="train-folder",
        )
        self.drop = by_path(gr.File(
            label="… or a zip, or pictures", file_count="multiple", file_types=[".zip", "image"],
            height=175, elem_id="train-drop",
        ))  # fmt: skip
        self.found = gr.HTML(elem_classes="found", visible=False, elem_id="train-found")
        self.reading = gr.Radio(label="Which is it?", visible=False, elem_id="train-reading")
        with gr.Group(visible=False) as self.which_way:
            self.swap = gr.Button("⇄ Swap direction: learn the other way", size="sm", elem_id="train-swap")
            self.input_kind = gr.Dropdown(
                list(INPUT_KINDS),
                value="Any picture",
                label="The input is",
                info="Decides the tools that the Draw tab offers for it.",
                elem_id="train-kind",
            )
        self.findings = gr.HTML(elem_classes="found", visible=False, elem_id="train-findings")
        self.leave_out = gr.Checkbox(True, label="", visible=False, elem_id="train-leave-out")
        self.preset = gr.Radio(
            [(words, preset) for preset, words in PRESET_WORDS.items()],
            value=DEFAULT_PRESET,
            label="How long",
            elem_id="train-preset",
        )
        self.begin_from = gr.Checkbox(False, label="", visible=False, elem_id="train-begin-from")
        with gr.Accordion("Advanced", open=False, elem_id="train-settings"):
            self.settings = advanced(DEFAULT_PRESET)
        self.name = gr.Textbox(label="Name", placeholder="as the folder", max_lines=1, elem_id="train-name")
        self.train = gr.Button("Train", variant="primary", elem_id="train-start")
        self.looked, self.told = gr.State(ShownFolder()), gr.State(())  # and what the timer has told the page of it
        self.timer = gr.Timer(POLL_S, active=False)
        self.proposed = gr.State("")  # as its name
        self.shown = [self.folder, self.found, self.findings, self.which_way, self.name, self.proposed, self.looked,
                      self.timer, self.leave_out, self.reading]  # fmt: skip

    def connect(self, show_run: Callable[[str], dict[Any, Any]], outputs: list[Any], scroll: str) -> None:
        """`show_run` gives the updates of `outputs` that show a run by name; `scroll`, a script, brings it in sight."""
        self._connect_folder()
        self._connect_settings()
        self._connect_start(show_run, outputs, scroll)

    def _connect_folder(self) -> None:
        """What shows, and shows anew, what was found to train on."""
        gr.on(
            [self.folder.submit, self.folder.blur],
            self._look,
            [self.folder, self.looked, self.name, self.proposed],
            [*self.shown, self.settings["layout"]],
            js=WAIT_FOR_RELEASE,
            api_visibility="private",
            show_progress_on=self.found,
            trigger_mode="always_last",
        )
        self.settings["layout"].input(
            self._lay_out,
            [self.settings["layout"], self.looked],
            self.shown,
            api_visibility="private",
            show_progress_on=self.found,
        )
        self.reading.input(
            self._read_as,
            [self.reading, self.looked, self.name, self.proposed],
            [*self.shown, self.settings["layout"]],
            api_visibility="private",
            show_progress_on=self.reading,
        )
        self.swap.click(
            self._swap,
            [self.looked, self.settings["layout"]],
            self.shown,
            api_visibility="private",
            show_progress_on=self.found,
        )
        self.drop.upload(
            self._receive,
            [self.drop, self.name, self.proposed],
            [*self.shown, self.settings["layout"], self.drop],
            api_visibility="private",
            show_progress_on=self.drop,
        ).failure(lambda: gr.File(None), None, self.drop, **QUIET)  # of what was no use nothing is kept
        self.timer.tick(
            self._poll,
            [self.looked, self.told],
            [self.findings, self.input_kind, self.preset, self.told],
            queue=False,
            **QUIET,
        )

    def _connect_settings(self) -> None:
        """What fills in settings: a preset, and a generator to begin from."""
        self.preset.input(self._choose, self.preset, list(self.settings.values()), **QUIET)
        decisive = [self.settings[name] for name in (*OF_A_GENERATOR, "distil_from")]
        gr.on(
            [self.input_kind.change, self.preset.change, *(setting.change for setting in decisive)],
            offer_shipped,
            [self.input_kind, self.preset, self.settings["init_from"], *decisive],
            [self.begin_from, *(self.settings[name] for name in OF_ITS_INPUT)],
            trigger_mode="always_last",  # what changes while one answer is on its way asks for another
            **QUIET,
        )
        self.begin_from.input(
            begin_from,
            [self.begin_from, self.input_kind],
            [self.settings[name] for name in OF_ITS_INPUT],
            **QUIET,
        )
        self.settings["init_from"].focus(
            offer_generators, self.settings["init_from"], self.settings["init_from"], **QUIET
        )
        self.settings["init_from"].input(
            fit,
            [self.settings["init_from"], self.input_kind],
            [self.settings[name] for name in (*OF_A_GENERATOR, "load_size", "colour_hints")],
            **QUIET,
        )

    def _connect_start(self, show_run: Callable[[str], dict[Any, Any]], outputs: list[Any], scroll: str) -> None:
        """The two buttons that start a training."""
        values = [self.folder, self.looked, self.name, self.input_kind, self.leave_out, *self.settings.values()]

        def begin(
            folder: str, looked: ShownFolder, name: str, input_kind: str, leaves_out: bool, *settings: Any
        ) -> dict[Any, Any]:
            with errors_on_page():
                looked = looked if leaves_out else replace(looked, left_out=())
                run = self._start(folder, looked, name, input_kind, settings)
            return show_run(run.name)

        def begin_demo() -> dict[Any, Any]:
            with errors_on_page():
                run, words = start(str(demo()), unused_name("demo", runs_dir()), "quick", **DEMO_SETTINGS)
                _say(words)
            return show_run(run.name)

        self.train.click(begin, values, outputs, **QUIET).success(None, js=scroll, api_visibility="private")
        self.demo.click(begin_demo, None, outputs, **QUIET).success(None, js=scroll, api_visibility="private")

    def fill(self, run: Run, left_out: tuple[str, ...] = (), **changes: Any) -> dict[Any, Any]:
        """The updates that put the settings of a run into the form, for another one that leaves out further pairs."""
        config = run.config.with_changes(**changes)
        left_out = tuple(dict.fromkeys([*config.leave_out, *left_out]))
        updates: dict[Any, Any] = {self.settings[name]: getattr(config, name) for name in self.settings}
        updates[self.settings["init_from"]] = gr.Dropdown(
            choices=generator_choices(config.init_from), value=config.init_from
        )
        looked = self._show(config.dataset, config.direction, ("", ""), config.layout, config.folders, left_out)
        shown = dict(zip(self.shown, looked, strict=True))
        name = unused_name(run.name, runs_dir())
        return updates | shown | {self.name: name, self.proposed: name}

    @property
    def filled(self) -> list[Any]:
        """What `fill` changes."""
        return [*self.settings.values(), *self.shown]

    def _look(self, folder: str, looked: ShownFolder, *named: str):
        folder = folder.strip()
        if not folder or folder == looked.folder:
            return gr.skip()
        # The layout that was chosen for another folder is not meant for this one.
        return *self._show(folder, None, named), "auto"

    def _lay_out(self, layout: Layout, looked: ShownFolder):
        """As the setting says, so that what is shown is what will be trained on."""
        return self._show(looked.folder, None, None, layout, (), looked.left_out) if looked.folder else gr.skip()

    def _read_as(self, number: int, looked: ShownFolder, *named: str):
        """In the way that was chosen, which then is a setting; another one can still be chosen."""
        reading = looked.readings[number]
        shown = self._show(looked.folder, None, named, reading.layout, reading.folders)
        return *self._still_open(shown, looked), gr.Radio(value=number), reading.layout

    def _swap(self, looked: ShownFolder, layout: Layout):
        direction = "BtoA" if looked.direction == "AtoB" else "AtoB"
        shown = self._show(looked.folder, direction, None, layout or "auto", looked.folders, looked.left_out)
        return *self._still_open(shown, looked), gr.skip()

    def _still_open(self, shown: tuple[Any, ...], looked: ShownFolder) -> list[Any]:
        """The same but for the choice of readings, which is still there to be made anew."""
        kept, place = list(shown[:-1]), self.shown.index(self.looked)
        kept[place] = replace(kept[place], readings=looked.readings)
        return kept

    def _receive(self, uploads: list[str], *named: str):
        with errors_on_page():
            try:
                folder = receive(uploads)
            finally:
                forget(uploads)  # what was of use is in the folder now
            return *self._show(str(folder), None, named), "auto", gr.File(None)

    def _show(
        self,
        folder: str,
        direction: Direction | None,
        named: tuple[str, ...] | None,
        layout: Layout = "auto",
        folders: tuple[str, ...] = (),
        left_out: tuple[str, ...] = (),
    ) -> tuple[Any, ...]:
        """What `self.shown` becomes. `direction`: None leaves it to what the pictures show.

        `named`: the name of the run that is there, and the one that was proposed; None leaves them.
        """
        try:
            folder = str(bring(folder))
            found, direction, shown = look_at(folder, direction, layout, folders)
        except (ValueError, OSError) as error:
            return self._problem(folder, error)
        names = _proposed(folder, *named) if named else (gr.skip(), gr.skip())
        pairs, checkup = len(found.splits["train"]), self.checkups.begin(found)
        looked = ShownFolder(folder, direction, checkup, pairs, folders, left_out)
        self.costs.begin()
        return (
            folder,
            gr.HTML(shown, visible=True),
            gr.HTML(findings_html(None), visible=True),
            gr.Group(visible=True),
            *names,
            looked,
            gr.Timer(active=True),
            gr.Checkbox(True, label=_left_out(left_out), visible=bool(left_out)),
            gr.Radio(visible=False, value=None),
        )

    def _problem(self, folder: str, error: Exception) -> tuple[Any, ...]:
        """What `self.shown` becomes where a folder cannot be used, or not before someone says how."""
        readings, problem = getattr(error, "readings", ()), f"<p role='alert'>{html.escape(str(error))}</p>"
        choice = gr.Radio(visible=False, value=None)
        if readings:
            problem = readings_html(folder, error)  # pyright: ignore[reportArgumentType]
            choices = [(f"{number}. {each.words}", number - 1) for number, each in enumerate(readings, start=1)]
            choice = gr.Radio(choices, value=None, visible=True)
        hidden = gr.HTML("", visible=False), gr.Group(visible=False)
        looked = ShownFolder(folder, readings=readings) if readings else ShownFolder()
        idle = gr.Timer(active=False), gr.Checkbox(visible=False)
        return folder, gr.HTML(problem, visible=True), *hidden, gr.skip(), gr.skip(), looked, *idle, choice

    def _poll(self, looked: ShownFolder, told: tuple[Any, ...]) -> Any:
        """What the checkup and the measuring have brought since the last time; nothing, when that is nothing.

        The timer runs on, and changes nothing of what was looked at: its answer may come after that to a choice.
        """
        report = self.checkups.report(looked.checkup)
        words = tuple(self.costs.words(preset, looked.pairs) for preset in PRESETS)
        source = report and (report.a if looked.direction == "AtoB" else report.b)
        about = looked.checkup, looked.direction, source and source.kind
        now = about, report and report.looked_at, words
        if not looked.checkup or now == told:
            return gr.skip()
        updates: dict[Any, Any] = {self.told: now, self.findings: findings_html(report)}
        if source and told[:1] != (about,):
            names = {"edges": DRAWINGS, "labels": OWN_LABELS, "image": "Any picture"}
            cmp = source.palette and "facade" in source.palette
            updates[self.input_kind] = "Facade labels, in the 12 CMP colours" if cmp else names[source.kind]
        costs = dict(zip(PRESETS, words, strict=True))
        updates[self.preset] = gr.Radio(
            [(f"{text} ({costs[preset]})" if costs[preset] else text, preset) for preset, text in PRESET_WORDS.items()]
        )
        return updates

    def _choose(self, preset: Preset) -> list[Any]:
        values = default_values(preset)
        return [values[name] for name in self.settings]

    def _start(self, folder: str, looked: ShownFolder, name: str, input_kind: str, settings: tuple[Any, ...]) -> Run:
        chosen = dict(zip(self.settings, settings, strict=True))
        folder = str(bring(folder.strip())) if folder.strip() else ""
        if folder and folder == looked.folder and looked.readings and not looked.checkup:
            raise ValueError("This folder can be read in more than one way: choose which it is, below its pictures.")
        if folder and folder != looked.folder:
            chosen["layout"] = "auto"
            found, direction, _ = look_at(folder)  # finds out now what would only fail later
            looked = ShownFolder(folder, direction, self.checkups.begin(found))
        report = self.checkups.report(looked.checkup)
        about = dict(INPUT_KINDS[input_kind])
        if input_kind == OWN_LABELS:
            about["palette"] = self._palette(looked)
        about["a" if looked.direction == "AtoB" else "b"] = about.pop("kind")
        chosen["folders"] = looked.folders
        chosen["leave_out"] = tuple(dict.fromkeys([*looked.left_out, *(report.leave_out if report else ())]))
        run, words = start(folder, name, "paper", looked.direction, **about, **typed(chosen))
        _say(words)
        return run

    def _palette(self, looked: ShownFolder) -> str:
        from pix2pix.palette import listed

        report = self.checkups.report(looked.checkup)
        source = report and (report.a if looked.direction == "AtoB" else report.b)
        if not source or not source.palette:
            raise ValueError("No label colours were found in the input: choose another kind of input.")
        return listed(source.palette)


def _proposed(folder: str, name: str, proposed: str) -> tuple[Any, Any]:
    """A name for a run, and the same as the one that is proposed, unless someone has chosen another."""
    if name.strip() not in ("", proposed):
        return gr.skip(), gr.skip()
    name = unused_name(Path(folder).resolve().name, runs_dir())
    return name, name


def _left_out(files: tuple[str, ...]) -> str:
    """The choice to leave pairs out, in words that name some of them."""
    named = ", ".join(files[:NAMED]) + (f" and {len(files) - NAMED} more" if len(files) > NAMED else "")
    return f"Leave out {len(files)} pair{'s' if len(files) > 1 else ''}: {named}"


def _say(words: str) -> None:
    if "queue" in words:  # else the page shows what happens
        gr.Info(words)
