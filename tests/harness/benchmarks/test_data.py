"""Fetching benchmark files, from a real server on this machine that can be told to misbehave."""

import gzip
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness import config
from harness.benchmarks import data
from harness.benchmarks.data import DataFolders, PublishedFile, ls, pull
from harness.errors import DataError, UnknownName

CONTENT = "".join(f'{{"task_id": "Demo/{number}"}}\n' for number in range(50_000)).encode()
PACKED = gzip.compress(CONTENT, mtime=0)
TORN_AT = len(PACKED) // 2


@dataclass
class Publisher:
    """One file behind an address, and what happens to those who ask for it."""

    address: str = ""
    packed: bytes = PACKED
    knows_ranges: bool = True
    tears: list[int] = field(default_factory=list)
    """How many bytes each of the next replies sends before it breaks off."""
    status: int | None = None
    asked: list[str] = field(default_factory=list)
    """The Range of each request; "" where it had none."""

    def file(self, **changes: object) -> PublishedFile:
        fields: dict = {
            "name": "demo+",
            "file_name": "Demo-v1.jsonl.gz",
            "version": "v1",
            "url": f"{self.address}/Demo.jsonl.gz",
            "md5": hashlib.md5(CONTENT).hexdigest(),
            "gz_size": len(PACKED),
            "gz_sha256": hashlib.sha256(PACKED).hexdigest(),
        }
        return PublishedFile(**{**fields, **changes})


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            publisher.asked.append(wanted)
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", f"{publisher.address}/Demo.jsonl.gz")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            if publisher.status:
                return self.send_error(publisher.status)
            body, start = publisher.packed, 0
            if publisher.knows_ranges and (match := re.fullmatch(r"bytes=(\d+)-", wanted)):
                start = int(match[1])
                if start >= len(body):
                    return self.send_error(416)
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            length = publisher.tears.pop(0) if publisher.tears else len(body)
            self.wfile.write(body[start:][:length])
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield publisher
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def folders(tmp_path: Path) -> DataFolders:
    return DataFolders(data=tmp_path / "shared", cache=tmp_path / "cache" / "benchmarks")


def part_of(folders: DataFolders) -> Path:
    folders.cache.mkdir(parents=True, exist_ok=True)
    return folders.cache / "Demo-v1.jsonl.gz.part"


def refusal(file: PublishedFile, folders: DataFolders) -> str:
    with pytest.raises(DataError) as told:
        pull(["demo+"], folders, files=[file])
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_file_is_fetched_once(publisher: Publisher, folders: DataFolders) -> None:
    seen: list[tuple[str, int, int | None]] = []
    file = publisher.file()
    (first,) = pull(["demo+"], folders, files=[file], progress=lambda *so_far: seen.append(so_far))
    assert (first.name, first.fetched) == ("demo+", True)
    assert first.path == folders.cache / "Demo-v1.jsonl.gz"
    assert first.path.read_bytes() == PACKED
    assert seen[-1] == ("Demo-v1.jsonl.gz", len(PACKED), len(PACKED))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert not part_of(folders).exists()

    (second,) = pull([], folders, files=[file])
    assert (second.path, second.fetched) == (first.path, False)
    assert publisher.asked == [""]


def test_redirects_are_followed(publisher: Publisher, folders: DataFolders) -> None:
    file = publisher.file(url=f"{publisher.address}/moved")
    assert pull(["demo+"], folders, files=[file])[0].fetched
    assert publisher.asked == ["", ""]


def test_other_gzip_bytes_of_the_same_content_are_right(
    publisher: Publisher, folders: DataFolders
) -> None:
    publisher.packed = gzip.compress(CONTENT, compresslevel=1, mtime=1)
    (pulled,) = pull(["demo+"], folders, files=[publisher.file()])
    assert pulled.path.read_bytes() == publisher.packed != PACKED


def test_the_folder_of_harness_data_is_read_first(
    publisher: Publisher, folders: DataFolders
) -> None:
    assert folders.data is not None
    folders.data.mkdir()
    shared = folders.data / "Demo-v1.jsonl.gz"
    shared.write_bytes(PACKED)
    (pulled,) = pull(["demo+"], folders, files=[publisher.file()])
    assert (pulled.path, pulled.fetched) == (shared, False)
    assert publisher.asked == []
    assert folders.find("Demo-v1.jsonl.gz") == shared


def test_a_wrong_file_that_would_hide_the_right_one_is_named(
    publisher: Publisher, folders: DataFolders
) -> None:
    assert folders.data is not None
    folders.data.mkdir()
    (folders.data / "Demo-v1.jsonl.gz").write_bytes(b"old")
    assert str(folders.data / "Demo-v1.jsonl.gz") in refusal(publisher.file(), folders)
    assert publisher.asked == []


def test_a_wrong_file_in_the_cache_is_replaced(publisher: Publisher, folders: DataFolders) -> None:
    part_of(folders).with_name("Demo-v1.jsonl.gz").write_bytes(b"old")
    (pulled,) = pull(["demo+"], folders, files=[publisher.file()])
    assert pulled.fetched
    assert pulled.path.read_bytes() == PACKED


def test_a_torn_download_goes_on_where_it_was_torn(
    publisher: Publisher, folders: DataFolders
) -> None:
    publisher.tears = [TORN_AT, 1000]
    (pulled,) = pull(["demo+"], folders, files=[publisher.file()])
    assert pulled.path.read_bytes() == PACKED
    assert publisher.asked == ["", f"bytes={TORN_AT}-", f"bytes={TORN_AT + 1000}-"]


def test_what_came_is_kept_for_the_next_call(publisher: Publisher, folders: DataFolders) -> None:
    publisher.tears = [TORN_AT, 0]
    said = refusal(publisher.file(), folders)
    assert f"{TORN_AT} bytes are kept" in said
    assert part_of(folders).stat().st_size == TORN_AT
    assert not part_of(folders).with_name("Demo-v1.jsonl.gz").exists()

    assert pull(["demo+"], folders, files=[publisher.file()])[0].path.read_bytes() == PACKED
    assert publisher.asked[-1] == f"bytes={TORN_AT}-"


def test_a_server_without_ranges_sends_it_all_again(
    publisher: Publisher, folders: DataFolders
) -> None:
    publisher.knows_ranges = False
    part_of(folders).write_bytes(PACKED[:TORN_AT])
    assert pull(["demo+"], folders, files=[publisher.file()])[0].path.read_bytes() == PACKED
    assert publisher.asked == [f"bytes={TORN_AT}-"]


@pytest.mark.parametrize(
    "rest", [b"x" * TORN_AT, b"x" * 2 * len(PACKED)], ids=["of another file", "too long"]
)
def test_a_torn_half_of_something_else_is_thrown_away(
    publisher: Publisher, folders: DataFolders, rest: bytes
) -> None:
    part_of(folders).write_bytes(rest)
    assert pull(["demo+"], folders, files=[publisher.file()])[0].path.read_bytes() == PACKED
    assert publisher.asked == [f"bytes={len(rest)}-", ""]


def test_a_whole_part_needs_no_network(publisher: Publisher, folders: DataFolders) -> None:
    """An earlier call was killed between the last byte and the renaming."""
    part_of(folders).write_bytes(PACKED)
    (pulled,) = pull(["demo+"], folders, files=[publisher.file()])
    assert (pulled.path.read_bytes(), publisher.asked) == (PACKED, [])


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"another version"), b"<html>Please log in</html>", PACKED[:-10], b""],
    ids=["other content", "a page", "a torn file", "nothing"],
)
def test_wrong_content_is_refused_and_not_kept(
    publisher: Publisher, folders: DataFolders, packed: bytes
) -> None:
    publisher.packed = packed
    assert "is not what was published" in refusal(publisher.file(), folders)
    assert list(folders.cache.iterdir()) == []


def test_not_found_is_told(publisher: Publisher, folders: DataFolders) -> None:
    publisher.status = 404
    file = publisher.file()
    assert refusal(file, folders) == f"{file.url}: HTTP 404 Not Found"


def test_no_network_is_told(publisher: Publisher, folders: DataFolders) -> None:
    file = publisher.file(url="http://127.0.0.1:9/Demo.jsonl.gz")  # the port of "discard"
    assert refusal(file, folders).startswith(f"{file.url}: ")
    nowhere = publisher.file(url="http://no-such-host.invalid/Demo.jsonl.gz")
    assert refusal(nowhere, folders).startswith(f"{nowhere.url}: ")


def test_a_full_disk_is_told(publisher: Publisher, folders: DataFolders) -> None:
    part_of(folders).symlink_to("/dev/full")
    assert "No space left on device" in refusal(publisher.file(), folders)


def test_a_cache_that_is_no_folder_is_told(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    folders = DataFolders(data=None, cache=tmp_path / "cache" / "benchmarks")
    assert str(tmp_path / "cache") in refusal(publisher.file(), folders)


def test_the_list_says_what_is_there(publisher: Publisher, folders: DataFolders) -> None:
    file = publisher.file()
    path = folders.cache / file.file_name
    part_of(folders)
    assert ls(folders, [file]) == [("demo+", "Demo-v1.jsonl.gz", None, "missing")]
    path.write_bytes(b"something")
    assert ls(folders, [file]) == [("demo+", "Demo-v1.jsonl.gz", path, "wrong")]
    path.write_bytes(PACKED)
    assert ls(folders, [file]) == [("demo+", "Demo-v1.jsonl.gz", path, "ok")]


def test_names_lead_to_files() -> None:
    assert data.published("humaneval") is data.published("HumanEval_plus")
    assert data.published("mbpp").file_name == "MbppPlus-v0.2.0.jsonl.gz"
    with pytest.raises(UnknownName, match=r"did you mean mbpp\+\?"):
        data.published("mbbp+")
    with pytest.raises(UnknownName):
        data.published("sanity")


def test_addresses_are_those_of_evalplus() -> None:
    from evalplus.data.utils import get_dataset_metadata

    for file in data.FILES:
        dataset = "HumanEvalPlus" if file.name.startswith("humaneval") else "MbppPlus"
        mini, noextreme = "mini" in file.name, "noextreme" in file.name
        url, cached = get_dataset_metadata(dataset, file.version, mini, noextreme)
        assert file.url == url
        assert file.file_name == f"{Path(cached).name}.gz"


def test_the_published_files_are_those_in_the_folder(data_folder: Path, tmp_path: Path) -> None:
    states = ls(DataFolders(data=data_folder, cache=tmp_path))
    assert [(row.name, row.state) for row in states] == [(file.name, "ok") for file in data.FILES]
    for file in data.FILES:
        packed = (data_folder / file.file_name).read_bytes()
        assert (len(packed), hashlib.sha256(packed).hexdigest()) == (file.gz_size, file.gz_sha256)


def test_folders_follow_the_settings(tmp_path: Path) -> None:
    env = {"HARNESS_DATA": "/data/benchmarks", "HARNESS_CACHE": str(tmp_path)}
    assert list(DataFolders.from_env(env)) == [Path("/data/benchmarks"), tmp_path / "benchmarks"]
    only_cache = DataFolders.from_env({"XDG_CACHE_HOME": str(tmp_path)})
    assert list(only_cache) == [tmp_path / "code-harness" / "benchmarks"]
    assert DataFolders.from_settings(config.load(env=env)) == DataFolders.from_env(env)
