"""What a user means by CHECKPOINT, and its identity: the contents of its files.

    located = locate("out/checkpoint-200", cache=settings.cache)
    located.checkpoint.identity

Understood are, in this order: an endpoint (`https://host/v1#model`, `openai:model`), recorded
samples (a .jsonl or .json file, a folder of programs), a folder with config.json and safetensors,
an adapter's folder (its base is found as well), a training run's folder with `checkpoint-*`, and a
repository of the hub as `org/repo` or `org/repo@revision`. A folder is looked at before the hub.

The identity of a model is the sha256 over weights, tokenizer, chat template and configuration,
whatever the folder is called: a child never inherits its parent's verdicts. Hashes of files are
kept in the cache by size and time of change.

Not here: loading a model (local.py, server.py), or reading recorded samples (replay.py).
"""

import hashlib
import json
import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from harness.errors import DataError, UnknownName, UserError
from harness.records import Checkpoint, content_sha256

OPENAI_URL = "https://api.openai.com/v1"
_REPO = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_STEP = re.compile(r"checkpoint-(\d+)")
_HASHED = re.compile(
    r"(?:.*\.safetensors(?:\.index\.json)?|(?:adapter_|generation_)?config\.json|tokenizer.*"
    r"|vocab.*|merges\.txt|added_tokens\.json|special_tokens_map\.json|chat_template.*"
    r"|.*\.tiktoken|(?:.*\.)?spiece.*|.*\.model)"
)
"""The files that decide what a model says. Neither optimizers nor readmes."""
_WANTED = ["*.safetensors", "*.json", "*.txt", "*.jinja", "*.model", "*.tiktoken"]

Fields: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Located:
    """A checkpoint that was found."""

    checkpoint: Checkpoint
    path: Path | None = None
    """The folder of the model, or the base's folder for an adapter; recorded samples."""
    adapter: Path | None = None
    url: str | None = None
    model: str | None = None
    """The name by which the endpoint knows the model."""
    note: str = ""
    """What the user must know of how it was understood."""


def locate(text: str, *, cache: Path, name: str | None = None) -> Located:
    """The checkpoint that the user means.

    Raises:
        UserError: it is none; one line that says what was looked for, and where.
        DataError: its files are missing, torn or of a kind that isn't read.
    """
    if text.startswith("openai:") or re.match(r"https?://", text):
        return _endpoint(text, name)
    if text.startswith("fake:"):
        raise UnknownName("checkpoint", text, ["fake:demo"])
    path = Path(text).expanduser()
    if path.is_file():
        return _replay(text, path)
    if path.is_dir():
        return _folder(text, path, cache, name)
    found = _REPO.fullmatch(text)
    if found and not path.is_absolute() and not text.startswith("."):
        folder = _from_hub(found["repo"], found["revision"])
        return _folder(text, folder, cache, name or text)
    raise UserError(
        f"{text!r} is no checkpoint: there is no such file or folder, it is no repository "
        "(org/repo or org/repo@revision), no URL (https://host/v1#model) and no openai:model"
    )


def series(text: str) -> list[str]:
    """The checkpoints of a training run's folder, by their steps; the final model comes last.

    Raises:
        UserError: the folder has none.
    """
    folder = Path(text).expanduser()
    steps = _steps(folder) if folder.is_dir() else []
    if not steps:
        raise UserError(f"--all-checkpoints: {text} is no folder with checkpoint-* in it")
    whole = [folder] if _is_model(folder) or _is_adapter(folder) else []
    return [str(path) for path in [*steps, *whole]]


def config_of(folder: Path) -> Fields:
    """The model's config.json."""
    return _read_json(folder / "config.json")


def num_bytes(located: Located) -> int:
    """The size of the weights."""
    folders = [folder for folder in (located.path, located.adapter) if folder is not None]
    return sum(file.stat().st_size for folder in folders for file in folder.glob("*.safetensors"))


# --- one kind after the other ----------------------------------------------------------------


def _endpoint(text: str, name: str | None) -> Located:
    if text.startswith("openai:"):
        url, model = OPENAI_URL, text.removeprefix("openai:")
    else:
        url, _, model = text.partition("#")
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query:
        raise UserError(
            "an endpoint's URL carries no user, password or parameters: keys come from the "
            "environment (HARNESS_API_KEY, or OPENAI_API_KEY for openai:model)"
        )
    if not model or not parts.hostname:
        raise UserError(f"{text!r}: which model? Write it behind the URL: {url.rstrip('/')}#model")
    url = url.rstrip("/")
    checkpoint = Checkpoint(
        kind="endpoint",
        name=name or model,
        source=text,
        identity=content_sha256({"url": url, "model": model}),
    )
    return Located(checkpoint, url=url, model=model)


def _replay(text: str, path: Path) -> Located:
    if path.suffix == ".safetensors":
        raise UserError(f"{text} is a file of weights: name its folder, {path.parent}")
    # Its identity is what replay.py makes of it.
    checkpoint = Checkpoint(kind="replay", name=path.name, source=text, identity="")
    return Located(checkpoint, path=path)


def _folder(text: str, folder: Path, cache: Path, name: str | None) -> Located:
    if _is_adapter(folder):
        return _with_base(text, folder, cache, name)
    if (folder / "config.json").is_file():
        return _model(text, folder, cache, name)
    if any(folder.glob("[!.]*/*.py")):
        return _replay(text, folder)
    if steps := _steps(folder):
        found = _folder(str(steps[-1]), steps[-1], cache, name)
        note = f"{text} holds {len(steps)} checkpoints: {steps[-1].name} is taken, the last one"
        return Located(
            found.checkpoint,
            found.path,
            found.adapter,
            note=f"{note} (--all-checkpoints: all of them)",
        )
    raise DataError(
        f"{text} is no checkpoint: it has no config.json with *.safetensors, no "
        "adapter_config.json, no checkpoint-* folders and no folders of .py programs"
    )


def _model(text: str, folder: Path, cache: Path, name: str | None) -> Located:
    weights = _weights(folder)
    config_of(folder)
    if not any(folder.glob("tokenizer*")) and not any(folder.glob("*.model")):
        raise DataError(f"{folder} has no tokenizer: save it with tokenizer.save_pretrained")
    for path in weights:
        _check_safetensors(path)
    checkpoint = Checkpoint(
        kind="model",
        name=name or _name(folder),
        source=text,
        identity=_identity(folder, cache),
        revision=_commit(folder),
    )
    return Located(checkpoint, path=folder)


def _with_base(text: str, folder: Path, cache: Path, name: str | None) -> Located:
    settings = _read_json(folder / "adapter_config.json")
    base = settings.get("base_model_name_or_path")
    revision = settings.get("revision")
    if not isinstance(base, str) or not base:
        raise DataError(f"{folder}/adapter_config.json does not say which model it sits on")
    for path in _weights(folder):
        _check_safetensors(path)
    beside = folder / base
    known = next((str(path) for path in (Path(base).expanduser(), beside) if path.is_dir()), base)
    wanted = f"{known}@{revision}" if revision and known == base else known
    try:
        found = locate(wanted, cache=cache)
    except UserError as error:
        raise UserError(f"the base of the adapter {text}: {error}") from None
    if found.checkpoint.kind != "model" or found.path is None:
        raise UserError(f"the base of the adapter {text} is no model: {base}")
    checkpoint = Checkpoint(
        kind="adapter",
        name=name or _name(folder),
        source=text,
        identity=content_sha256([_identity(folder, cache), found.checkpoint.identity]),
        base=f"{base}@{found.checkpoint.revision}" if found.checkpoint.revision else base,
    )
    return Located(checkpoint, path=found.path, adapter=folder)


def _is_adapter(folder: Path) -> bool:
    return (folder / "adapter_config.json").is_file()


def _is_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def _steps(folder: Path) -> list[Path]:
    found = [
        (int(match[1]), path)
        for path in folder.iterdir()
        if path.is_dir() and (match := _STEP.fullmatch(path.name))
    ]
    return [path for _, path in sorted(found)]


def _name(folder: Path) -> str:
    folder = folder.resolve()
    is_step = _STEP.fullmatch(folder.name) is not None
    return f"{folder.parent.name}/{folder.name}" if is_step else folder.name


def _commit(folder: Path) -> str | None:
    """The commit of a snapshot in the hub's cache, whose folder is called like it."""
    is_snapshot = folder.parent.name == "snapshots"
    return folder.name if is_snapshot and re.fullmatch(r"[0-9a-f]{40}", folder.name) else None


# --- files -----------------------------------------------------------------------------------


def _read_json(path: Path) -> Fields:
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path.parent} has no {path.name}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} can't be read: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} is not an object")
    return cast(Fields, content)


def _weights(folder: Path) -> list[Path]:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickled = [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]
        why = (
            f"only {pickled[0].name}, which is a pickle and is never opened here: save it again "
            "with save_pretrained(safe_serialization=True)"
            if pickled
            else "no *.safetensors"
        )
        raise DataError(f"{folder} has no weights that can be read: {why}")
    for index in folder.glob("*.safetensors.index.json"):
        named = _read_json(index).get("weight_map")
        by_tensor = cast(dict[str, str], named) if isinstance(named, dict) else {}
        shards = set(by_tensor.values())
        missing = sorted(shards - {path.name for path in weights})
        if missing:
            raise DataError(f"{folder}: {len(missing)} of {len(shards)} shards are not there yet: "
                            f"{missing[0]}")  # fmt: skip
    return weights


def _check_safetensors(path: Path) -> None:
    """Holds the header against the file's size: a torn download is seen at once."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        num_header = struct.unpack("<Q", head)[0] if len(head) == 8 else size
        if num_header > min(size - 8, 100_000_000):
            raise DataError(f"{path} is no safetensors file, or a torn one ({size} bytes)")
        try:
            header: object = json.loads(file.read(num_header))
        except ValueError:
            raise DataError(f"{path} is corrupt: its header is not JSON; fetch it again") from None
    tensors = cast(dict[str, Fields], header) if isinstance(header, dict) else {}
    ends = [
        cast(list[int], fields["data_offsets"])[1]
        for name, fields in tensors.items()
        if name != "__metadata__" and "data_offsets" in fields
    ]
    expected = 8 + num_header + max(ends, default=0)
    if expected != size:
        raise DataError(f"{path} is torn: {size} of {expected} bytes; fetch it again")


def _identity(folder: Path, cache: Path) -> str:
    """Over names and contents of the files that decide what a model says."""
    known_file = cache / "identities" / f"{content_sha256(str(folder.resolve()))[:32]}.json"
    known = _known_hashes(known_file)
    hashes: dict[str, str] = {}
    stamped: dict[str, list[object]] = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file() or not _HASHED.fullmatch(path.name):
            continue
        state = path.stat()
        stamp: list[object] = [state.st_size, state.st_mtime_ns, state.st_ino]
        old = known.get(path.name, [])
        sha256 = str(old[3]) if old[:3] == stamp and len(old) == 4 else _sha256(path)
        hashes[path.name] = sha256
        stamped[path.name] = [*stamp, sha256]
    if stamped != known:
        _remember(known_file, stamped)
    return content_sha256(hashes)


def _known_hashes(path: Path) -> dict[str, list[object]]:
    try:
        return cast(dict[str, list[object]], _read_json(path))
    except DataError:
        return {}


def _remember(path: Path, stamped: dict[str, list[object]]) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(stamped))
        os.replace(part, path)
    except OSError:
        return  # it is made again next time


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- the hub ---------------------------------------------------------------------------------


def _from_hub(repo: str, revision: str | None) -> Path:
    """The snapshot of a repository, from the hub's own cache where the network is gone."""
    try:
        hub: Any = import_module("huggingface_hub")
    except ModuleNotFoundError:
        raise UserError(
            f"{repo!r} is no folder here, and a repository needs the extra `local` "
            "(pip install 'code-harness[local]')"
        ) from None
    errors: Any = import_module("huggingface_hub.errors")
    wanted = f"{repo}@{revision}" if revision else repo
    fetch: Callable[..., str] = hub.snapshot_download
    why: Literal["", "offline"] = ""
    try:
        return Path(fetch(repo, revision=revision, allow_patterns=_WANTED))
    except errors.GatedRepoError:
        said = (
            f"is gated: ask for access on its page, then set HF_TOKEN or `hf auth login` ({repo})"
        )
    except errors.RevisionNotFoundError:
        said = f"has no revision {revision!r}"
    except errors.RepositoryNotFoundError:
        said = "is neither a folder here nor a repository there, or it is private: HF_TOKEN is " + (
            "set, and does not open it" if os.environ.get("HF_TOKEN") else "not set"
        )
    except errors.HFValidationError as error:
        said = f"is no name of a repository: {error}"
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, OSError):
        said, why = "", "offline"
    if why == "offline":
        try:
            return Path(fetch(repo, revision=revision, local_files_only=True))
        except (errors.LocalEntryNotFoundError, OSError):
            said = "is no folder here, the hub can't be reached, and its cache lacks it"
    raise UserError(f"{wanted} {said}") from None
