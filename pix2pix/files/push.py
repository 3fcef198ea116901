"""Generators to the Hugging Face Hub, each with a card that says what it is."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pix2pix.files.download import LOGIN, HubError
from pix2pix.files.header import locate, read_metadata
from pix2pix.files.places import GENERATOR_FILE

if TYPE_CHECKING:
    from PIL import Image

    from pix2pix.files.header import Metadata

Sample = Callable[[Path], "Image.Image"]

MIXIN_FILE = "model.safetensors"  # as which PyTorchModelHubMixin looks for the weights
SAMPLE_FILE = "sample.jpg"
LICENCES = frozenset({  # that the Hub knows by these names
    "mit", "apache-2.0", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
    "gpl-3.0", "openrail", "unknown",
})  # fmt: skip


def push(name: str, repository: str, sample: Sample, private: bool = False) -> str:
    """Sends a generator to the repository `owner/name`, which is made if need be, and returns its address.

    Weights, card, a sample picture that `sample` makes of the file, and a config.json by which PyTorchModelHubMixin can
    load it. Raises HubError, and CheckpointError for a generator that is not there.
    """
    from huggingface_hub import HfApi, get_token

    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise HubError(f"{repository!r} is not of the form owner/name")
    api = HfApi()
    if get_token() is None:
        raise HubError(f"the Hub does not know who you are: {LOGIN}")
    with _in_words(repository):
        api.whoami()  # whom the Hub does not know need not wait for the sample, which takes seconds
    with tempfile.TemporaryDirectory() as folder:
        write_repository(name, repository, sample, Path(folder))  # first: what fails here leaves nothing on the Hub
        with _in_words(repository):
            address = api.create_repo(repository, private=private, exist_ok=True)
            api.upload_folder(repo_id=repository, folder_path=folder, commit_message=f"Push {name}")
    return str(address)


@contextmanager
def _in_words(repository: str) -> Iterator[None]:
    """What the Hub refuses, or does not answer, as a HubError."""
    from huggingface_hub import errors as hub

    try:
        yield
    except hub.HFValidationError as error:
        raise HubError(f"{repository} cannot be a repository: {error}") from error
    except hub.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        if status in (401, 403):
            raise HubError(f"{repository} may not be written with this token: {LOGIN}") from error
        raise HubError(f"the Hub did not take {repository}: {str(error).splitlines()[0]}") from error
    except (hub.HTTPError, OSError) as error:  # pyright: ignore[reportPrivateImportUsage]
        raise HubError(f"the Hub cannot be reached: {error}") from error


def write_repository(name: str, repository: str, sample: Sample, folder: Path) -> None:
    """All that a repository of a generator holds."""
    source = locate(name)
    about = read_metadata(source)
    for file in (GENERATOR_FILE, MIXIN_FILE):  # the Hub keeps what is the same only once
        shutil.copy(source, folder / file)
    config = asdict(about.config) | {"pix2pix": about.to_json()}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    sample(source).save(folder / SAMPLE_FILE, quality=90)
    (folder / "README.md").write_text(card(about, repository), encoding="utf-8")


def card(about: "Metadata", repository: str) -> str:
    """The model card: front matter that the Hub reads, and words for people."""
    from huggingface_hub import ModelCardData

    known = about.licence.lower() if about.licence.lower() in LICENCES else None
    plain = re.sub(r"[^a-z0-9.]+", "-", about.licence.lower()).strip("-") or "unknown"
    dataset = re.sub(r"[^\w.-]+", "-", about.dataset).strip("-.")
    data = ModelCardData(
        library_name="pytorch",
        pipeline_tag="image-to-image",
        license=known or "other",
        license_name=None if known else plain[:60],
        datasets=[dataset] if dataset else None,
        tags=["pix2pix", "image-to-image", "conditional-gan", "pytorch_model_hub_mixin", "model_hub_mixin"],
    )
    rows = {
        "turns": f"{about.source.kind} into {about.target.kind}",
        "architecture": ", ".join(f"{key} {value}" for key, value in asdict(about.config).items()),
        "training steps": f"{about.steps:,}" if about.steps else "not known",
        "data": about.dataset or "not known",
        "licence": about.licence,
        "provenance": about.provenance or "not known",
    }
    table = "\n".join(f"| {key} | {str(value).replace('|', '/')} |" for key, value in rows.items())
    return f"""---
{data.to_yaml()}
---

# {about.name}

A pix2pix generator (Isola et al. 2017): it turns {about.source.kind} into {about.target.kind}.

![What it is given, above, and what it makes of it, below]({SAMPLE_FILE})

| | |
| --- | --- |
{table}

With pix2pix studio, in Python:

```python
from pix2pix import Translator

translator = Translator.load("hf://{repository}")
picture = translator(drawing)  # a PIL image in, one of the same size out
```

On the command line:

```sh
python -m pix2pix translate drawings/ --checkpoint hf://{repository} --out pictures/
```

`generator.safetensors` says all of this in its header. `model.safetensors` is the same file, by the name that
`PyTorchModelHubMixin` looks for.
"""
