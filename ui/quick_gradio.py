"""Gradio in half of its time: an app has no use for what else it does when it is imported."""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

COMPONENTS = "gradio.component_meta"  # the module that makes classes of components


def leave_out_stubs() -> None:
    """To be called before Gradio is imported.

    For each class of a component it writes a stub for editors beside its own file, by a template that it compiles anew
    and two looks through the source: half of the time that Gradio takes to import, in each process, and where several
    begin at once they write the same files. The docstrings of events are filled in by such a template, too.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != COMPONENTS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)  # pyright: ignore[reportArgumentType]
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        vars(module)["create_or_modify_pyi"] = lambda *_: None
        module.EventListener.set_doc = lambda *_, **__: None
