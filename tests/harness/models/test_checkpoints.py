"""What a user's word means, the identity of what is found, and one line for what is not."""

import json
import os
import shutil
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from harness.errors import DataError, UserError
from harness.models.checkpoints import locate, num_bytes, series


def safetensors(path: Path, value: bytes = b"\0\0\0\0") -> None:
    """A file with one tensor of four bytes."""
    header = json.dumps(
        {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, len(value)]}}
    ).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + value)


def model(folder: Path, value: bytes = b"\0\0\0\0") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    safetensors(folder / "model.safetensors", value)
    (folder / "config.json").write_text('{"architectures": ["A"], "dtype": "float32"}')
    (folder / "tokenizer.json").write_text("{}")
    return folder


def adapter(folder: Path, base: Path | str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    safetensors(folder / "adapter_model.safetensors")
    settings = {"base_model_name_or_path": str(base), "r": 4}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def identity(folder: Path, cache: Path) -> str:
    return locate(str(folder), cache=cache).checkpoint.identity


# Identity


def test_the_identity_is_the_contents_and_not_the_name(tmp_path: Path, cache: Path):
    first = model(tmp_path / "a")
    found = locate(str(first), cache=cache)
    assert found.checkpoint.kind == "model" and found.checkpoint.name == "a"
    assert num_bytes(found) > 4
    copy = shutil.copytree(first, tmp_path / "b")
    assert identity(copy, cache) == found.checkpoint.identity
    (copy / "README.md").write_text("another page")
    (copy / "optimizer.pt").write_bytes(b"state")
    assert identity(copy, cache) == found.checkpoint.identity


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "chat_template.jinja", "generation_config.json"]
)
def test_every_file_that_counts_changes_it(tmp_path: Path, cache: Path, name: str):
    folder = model(tmp_path / "a")
    before = identity(folder, cache)
    (folder / name).write_text('{"architectures": ["B"], "x": 1}')
    assert identity(folder, cache) != before


def test_a_child_of_the_same_size_is_another(tmp_path: Path, cache: Path):
    folder = model(tmp_path / "a")
    before = identity(folder, cache)
    safetensors(folder / "model.safetensors", b"\1\0\0\0")
    assert identity(folder, cache) != before


def test_hashes_are_kept_and_a_broken_cache_is_no_matter(tmp_path: Path, cache: Path):
    folder = model(tmp_path / "a")
    before = identity(folder, cache)
    (kept,) = (cache / "identities").iterdir()
    weights = folder / "model.safetensors"
    state = weights.stat()
    weights.chmod(0o000)  # what is known by size and time is not read again
    weights.chmod(0o644)
    assert json.loads(kept.read_text())["model.safetensors"][0] == state.st_size
    kept.write_text("{torn")
    assert identity(folder, cache) == before
    locked = tmp_path / "file"
    locked.write_text("")
    assert identity(folder, locked / "cache") == before


# Kinds


def test_an_adapter_has_its_bases_files(tmp_path: Path, cache: Path):
    base = model(tmp_path / "base")
    folder = adapter(tmp_path / "lora", base)
    found = locate(str(folder), cache=cache)
    assert found.checkpoint.kind == "adapter" and found.checkpoint.base == str(base)
    assert (found.path, found.adapter) == (base, folder)
    before = found.checkpoint.identity
    safetensors(base / "model.safetensors", b"\2\0\0\0")
    assert identity(folder, cache) != before, "an adapter on another base is another model"


def test_a_training_runs_folder_gives_its_last_or_all(tmp_path: Path, cache: Path):
    run = tmp_path / "out"
    for step in (100, 20, 3):
        model(run / f"checkpoint-{step}", bytes([step, 0, 0, 0]))
    found = locate(str(run), cache=cache)
    assert found.checkpoint.name == "out/checkpoint-100"
    assert "3 checkpoints" in found.note and "--all-checkpoints" in found.note
    names = [Path(path).name for path in series(str(run))]
    assert names == ["checkpoint-3", "checkpoint-20", "checkpoint-100"]
    model(run)
    assert [Path(path).name for path in series(str(run))][-1] == "out"
    assert locate(str(run), cache=cache).note == ""
    with pytest.raises(UserError, match="no folder with checkpoint-"):
        series(str(tmp_path / "elsewhere"))


def test_an_endpoint_is_its_url_and_model(cache: Path):
    one = locate("http://127.0.0.1:1/v1#a/b", cache=cache)
    assert (one.url, one.model) == ("http://127.0.0.1:1/v1", "a/b")
    assert one.checkpoint.kind == "endpoint" and one.checkpoint.name == "a/b"
    same = locate("http://127.0.0.1:1/v1/#a/b", cache=cache, name="ours")
    assert same.checkpoint.identity == one.checkpoint.identity and same.checkpoint.name == "ours"
    other = locate("http://127.0.0.1:1/v1#c", cache=cache)
    assert other.checkpoint.identity != one.checkpoint.identity
    assert locate("openai:gpt", cache=cache).url == "https://api.openai.com/v1"


# One line each


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "no such file or folder, it is no repository .* no URL"),
        ("/no/such/folder", "no such file or folder"),
        ("http://host/v1", "which model"),
        ("openai:", "which model"),
        ("https://user:secret@host/v1#m", "keys come from the environment"),
    ],
)
def test_what_is_no_checkpoint_gets_one_line(text: str, said: str, cache: Path):
    with pytest.raises(UserError, match=said) as raised:
        locate(text, cache=cache)
    assert "\n" not in str(raised.value) and "secret" not in str(raised.value)


def test_files_that_are_missing_or_torn_get_one_line(tmp_path: Path, cache: Path):
    folder = tmp_path / "m"
    folder.mkdir()
    with pytest.raises(DataError, match=r"no config.json with \*.safetensors"):
        locate(str(folder), cache=cache)
    (folder / "config.json").write_text("{}")
    with pytest.raises(DataError, match=r"no \*.safetensors"):
        locate(str(folder), cache=cache)
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(DataError, match="a pickle and is never opened"):
        locate(str(folder), cache=cache)
    safetensors(folder / "model.safetensors")
    with pytest.raises(DataError, match="has no tokenizer"):
        locate(str(folder), cache=cache)
    (folder / "tokenizer.json").write_text("{}")
    assert locate(str(folder), cache=cache)
    with pytest.raises(UserError, match="name its folder"):
        locate(str(folder / "model.safetensors"), cache=cache)
    whole = (folder / "model.safetensors").read_bytes()
    for content, said in (
        (whole[:-2], "is torn: .* of .* bytes"),
        (whole[:4], "no safetensors file, or a torn one"),
        (whole[:8] + b"x" * (len(whole) - 8), "its header is not JSON"),
        (b"\xff" * 40, "no safetensors file"),
    ):
        (folder / "model.safetensors").write_bytes(content)
        with pytest.raises(DataError, match=said) as raised:
            locate(str(folder), cache=cache)
        assert "\n" not in str(raised.value)


def test_a_shard_that_is_not_there_yet(tmp_path: Path, cache: Path):
    folder = model(tmp_path / "m")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"1 of 2 shards .* model-2.safetensors"):
        locate(str(folder), cache=cache)


def test_an_adapter_without_its_base(tmp_path: Path, cache: Path):
    folder = adapter(tmp_path / "lora", "/gone/base")
    with pytest.raises(UserError, match=r"the base of the adapter .*/gone/base"):
        locate(str(folder), cache=cache)


# The hub, on the loopback


class Hub:
    """Answers every request as one kind of repository would be answered."""

    def __init__(self) -> None:
        hub = self
        self.status, self.code = 404, "RepoNotFound"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(hub.status)
                self.send_header("X-Error-Code", hub.code)
                self.send_header("X-Error-Message", "said the hub")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    hub = Hub()
    threading.Thread(target=hub.server.serve_forever, daemon=True).start()
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/{filename}")
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "text", "said"),
    [
        (404, "RepoNotFound", "org/none", "nor a repository there, or it is private: HF_TOKEN is"),
        (401, "RepoNotFound", "org/none", "HF_TOKEN is not set"),
        (403, "GatedRepo", "org/gated", "is gated: ask for access"),
        (404, "RevisionNotFound", "org/repo@v9", "has no revision 'v9'"),
    ],
)
def test_a_repository_that_cannot_be_had(
    hub: Hub, cache: Path, status: int, code: str, text: str, said: str
):
    hub.status, hub.code = status, code
    with pytest.raises(UserError, match=said) as raised:
        locate(text, cache=cache)
    assert "\n" not in str(raised.value)


def test_no_network_and_nothing_cached(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(UserError, match="the hub can't be reached, and its cache lacks it"):
        locate("org/repo", cache=cache)


def test_no_network_and_a_snapshot_in_the_cache(
    hub: Hub, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    commit = "c" * 40
    repo = tmp_path / "hub" / "models--org--repo"
    model(repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    os.environ.pop("HF_HUB_OFFLINE", None)
    found = locate("org/repo", cache=cache)
    assert found.checkpoint.revision == commit and found.checkpoint.name == "org/repo"
