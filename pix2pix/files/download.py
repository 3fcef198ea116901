"""Files of the Hugging Face Hub, from there or from the cache."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pix2pix.files.places import GENERATOR_FILE

if TYPE_CHECKING:
    from tqdm import tqdm

LOGIN = "log in with `hf auth login`, or set HF_TOKEN"


class HubError(ValueError):
    """Why the Hub did not give or take something, in words."""


def fetch(reference: str, names: Sequence[str] = (GENERATOR_FILE,), bar: "type[tqdm] | None" = None) -> Path:
    """The first of these files that the repository `owner/name[@revision]` has.

    What was fetched before comes from the cache, also without a network. Shows its progress on a
    terminal, or by `bar`. Raises HubError.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub import errors as hub

    repository, _, revision = reference.partition("@")
    name = f"hf://{reference}"
    missing, only_cached = None, not is_reachable()
    for file in names:
        try:
            about = {"revision": revision or None, "tqdm_class": bar, "local_files_only": only_cached}
            return Path(hf_hub_download(repository, file, **about))
        except hub.HFValidationError as error:
            raise HubError(f"{name} is not of the form hf://owner/name or hf://owner/name@revision") from error
        except hub.LocalEntryNotFoundError as error:
            missing = error  # another of the files may be in the cache
        except hub.RemoteEntryNotFoundError as error:
            missing = error
        except hub.GatedRepoError as error:
            page = f"{constants.ENDPOINT}/{repository}"
            raise HubError(f"{name} is gated: accept its terms at {page}, then {LOGIN}") from error
        except hub.RevisionNotFoundError as error:
            raise HubError(f"{name} has no revision {revision!r}: give a branch, a tag or a commit") from error
        except hub.RepositoryNotFoundError as error:
            raise HubError(
                f"{name} cannot be had: 404, there is no such repository, or it is private: {LOGIN}"
            ) from error
        except hub.HfHubHTTPError as error:
            raise HubError(f"{name} cannot be had: {str(error).splitlines()[0]}") from error
    if isinstance(missing, hub.LocalEntryNotFoundError):
        if constants.HF_HUB_OFFLINE:
            raise HubError(f"{name} is not in the cache, and HF_HUB_OFFLINE forbids asking the Hub")
        raise HubError(f"{name} is not in the cache, and the Hub cannot be reached") from missing
    lacking = f"{name} has no {' or '.join(names)}"
    if len(names) > 1:
        raise HubError(lacking) from missing
    raise HubError(f"{lacking}; `python -m pix2pix import` reads weights of some other projects") from missing


def is_reachable() -> bool:
    """Whether the Hub answers at all. Its client asks six times, for half a minute, before it says that it does not."""
    from huggingface_hub import constants, get_session
    from huggingface_hub import errors as hub

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except (hub.HTTPError, OSError):  # pyright: ignore[reportPrivateImportUsage]
        return False
    return True
