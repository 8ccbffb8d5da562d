"""Benchmark files: where they are looked for, and how they come from their publishers.

    folders = DataFolders.from_env()
    pull(["humaneval+", "mbpp+"], folders)
    text = read_published(published("humaneval+"), folders)

Looked for in `HARNESS_DATA`, then in the cache (`HARNESS_CACHE`, by default
`~/.cache/code-harness`) under `benchmarks/`; `pull` writes to the cache alone, since the other
folder is often a shared one.

What a file *is*, its decompressed bytes decide: their md5 is the hash that EvalPlus prints into
its results. Two gzips of the same bytes differ (level, time stamp), so the size and sha256 of
the compressed file are hints: they size a progress bar and tell that a `.part` is complete, and
never make a file right or wrong.

Not here: what is inside the files (evalplus.py), benchmarks of the user's own (jsonl.py).
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from harness import config
from harness.errors import DataError, UnknownName

if TYPE_CHECKING:
    import httpx

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with a file's name, the bytes that are there and the bytes that there will be."""

NUM_ATTEMPTS = 4
"""Connections a file; each goes on where the one before was torn."""
TIMEOUT_S = 30.0
"""Of silence, not of the whole download."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file of one publisher."""

    name: str
    """The benchmark that it holds, as users type it."""
    file_name: str
    version: str
    url: str
    md5: str
    """Of the decompressed bytes: the identity of the benchmark."""
    gz_size: int
    """Bytes of the compressed file as we know it: a hint."""
    gz_sha256: str
    """Of the compressed file as we know it: a hint."""


def _evalplus_file(
    name: str, variant: str, *, md5: str, gz_size: int, gz_sha256: str
) -> PublishedFile:
    stem, version = (
        ("HumanEvalPlus", "v0.1.10") if name.startswith("humaneval") else ("MbppPlus", "v0.2.0")
    )
    releases = f"https://github.com/evalplus/{stem.lower()}_release/releases/download"
    return PublishedFile(
        name=name,
        file_name=f"{stem}{variant}-{version}.jsonl.gz",
        version=version,
        url=f"{releases}/{version}/{stem}{variant}.jsonl.gz",
        md5=md5,
        gz_size=gz_size,
        gz_sha256=gz_sha256,
    )


FILES: tuple[PublishedFile, ...] = (
    _evalplus_file(
        "humaneval+",
        "",
        md5="fe585eb4df8c88d844eeb463ea4d0302",
        gz_size=925_932,
        gz_sha256="272720b90ac375502c8ed23cd791c2a93dfb22a911641a494da74a426c09f101",
    ),
    _evalplus_file(
        "humaneval+-mini",
        "-Mini",
        md5="401e75ad986361dccc7afecb4121e295",
        gz_size=57_064,
        gz_sha256="91486741f1627101021fbe50523df08eebb5b0bf5e804b633dcd5ca3c14dbd2f",
    ),
    _evalplus_file(
        "humaneval+-noextreme",
        "-NoExtreme",
        md5="413980104ee0339c147ac09653cee3db",
        gz_size=925_392,
        gz_sha256="298f79977b2663b8b8ab6b5fa50b17d6f23a92603d24f39e26203fe58c37eeda",
    ),
    _evalplus_file(
        "mbpp+",
        "",
        md5="ee43ecabebf20deef4bb776a405ac5b1",
        gz_size=336_032,
        gz_sha256="af43697e8791c4c149bdfd6b489d8b5412507551ac20e28a439f650b8225db63",
    ),
    _evalplus_file(
        "mbpp+-noextreme",
        "-NoExtreme",
        md5="85d8d7a406c0686e80353e676189bfee",
        gz_size=335_525,
        gz_sha256="72d32acaea73d5606cb97041b30d45bbda9435a675369d3e31965513ee94e564",
    ),
)

BASE_SUITES: Mapping[str, str] = {"humaneval": "humaneval+", "mbpp": "mbpp+"}
"""Benchmarks without a file of their own: the base suites of another."""


def spelled(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is meant by `name`, in the spellings that the peers taught people.

    >>> [spelled(name, ["humaneval+", "mbpp"]) for name in ("HumanEvalPlus", "human_eval+", "apps")]
    ['humaneval+', 'humaneval+', None]
    """
    by_letters = {_letters(candidate): candidate for candidate in known}
    return by_letters.get(_letters(name))


def _letters(name: str) -> str:
    return name.lower().replace("plus", "+").replace("_", "").replace("-", "").replace(" ", "")


def published(name: str, files: Sequence[PublishedFile] = FILES) -> PublishedFile:
    """The file that holds the benchmark `name`.

    Raises:
        UnknownName: no publisher's file is known under that name.
    """
    known = [file.name for file in files] + list(BASE_SUITES)
    found = spelled(name, known)
    by_name = {file.name: file for file in files}
    file = by_name.get(BASE_SUITES.get(found, found)) if found else None
    if file is None:
        raise UnknownName("benchmark file", name, known)
    return file


@dataclass(frozen=True, slots=True)
class DataFolders:
    """The folders in which benchmark files are looked for, first `data`, then `cache`."""

    data: Path | None
    """What HARNESS_DATA names. Read, never written."""
    cache: Path
    """Where `pull` puts files."""
    home: Path | None = None
    """Where synthetic benchmarks are, under `benchmarks/<name>`."""

    @classmethod
    def from_settings(cls, settings: config.Settings) -> "DataFolders":
        return cls(data=settings.data, cache=settings.cache / "benchmarks", home=settings.home)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "DataFolders":
        """The folders of this machine, as the settings have them."""
        return cls.from_settings(config.load(env=env))

    def __iter__(self) -> Iterator[Path]:
        if self.data is not None:
            yield self.data
        yield self.cache

    def find(self, file_name: str) -> Path:
        """The first file of that name.

        Raises:
            DataError: there is none; the message names the folders and the command to type.
        """
        for folder in self:
            if (folder / file_name).is_file():
                return folder / file_name
        names = [file.name for file in FILES if file.file_name == file_name]
        looked = " and ".join(str(folder) for folder in self)
        what_next = f"`harness data pull {names[0]}`" if names else "set HARNESS_DATA to its folder"
        raise DataError(f"{file_name} is not in {looked}: {what_next}")

    def synthetic(self, name: str) -> Path:
        """The file of a synthetic benchmark.

        Raises:
            DataError: it is not made yet; the message has the command to type.
        """
        path = (self.home or Path()) / "benchmarks" / name / "problems.jsonl"
        if self.home is None or not path.is_file():
            raise DataError(f"{name} is not made yet: `harness generate --benchmark {name}`")
        return path


def read_published(file: PublishedFile, folders: DataFolders) -> bytes:
    """The decompressed bytes of a publisher's file, held against their md5.

    Raises:
        DataError: the file is missing, can't be read or is another one.
    """
    path = folders.find(file.file_name)
    try:
        return _checked(path, file)
    except _WrongContent as wrong:
        raise DataError(
            f"{path} is not the published file ({wrong}): "
            f"remove it, then `harness data pull {file.name}`"
        ) from None


class _WrongContent(Exception):
    """A file is there and is another one; the message says in what."""


def _checked(path: Path, file: PublishedFile) -> bytes:
    try:
        content = gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _WrongContent(f"not a whole gzip file: {error}") from None
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}") from None
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 != file.md5:
        raise _WrongContent(f"md5 {md5} instead of {file.md5}")
    return content


def is_right(path: Path, file: PublishedFile) -> bool:
    """Whether the file decompresses to exactly the published bytes."""
    try:
        return bool(_checked(path, file))
    except _WrongContent:
        return False


class FileState(NamedTuple):
    """One row of `harness data ls`."""

    name: str
    file_name: str
    path: Path | None
    """Where it was found."""
    state: Literal["ok", "wrong", "missing"]


def ls(folders: DataFolders, files: Sequence[PublishedFile] = FILES) -> list[FileState]:
    """What is there of the publishers' files, read and hashed."""
    rows: list[FileState] = []
    for file in files:
        try:
            path = folders.find(file.file_name)
        except DataError:
            rows.append(FileState(file.name, file.file_name, None, "missing"))
        else:
            state = "ok" if is_right(path, file) else "wrong"
            rows.append(FileState(file.name, file.file_name, path, state))
    return rows


class Pulled(NamedTuple):
    """What `pull` did for one file."""

    name: str
    path: Path
    fetched: bool
    """False where the right file was there already."""


def pull(
    names: Sequence[str],
    folders: DataFolders,
    *,
    progress: Progress | None = None,
    files: Sequence[PublishedFile] = FILES,
) -> list[Pulled]:
    """Bring the publishers' files into the cache; no names means all of them.

    What is right already is left alone. What is not is fetched into `<file>.part`, which a
    later call goes on with, and takes its name when its content is the published one.

    Raises:
        UnknownName: a name without a file.
        DataError: no network, not found, wrong content, no space: one line each.
    """
    wanted = [published(name, files) for name in names] if names else list(files)
    return [_pull(file, folders, progress) for file in dict.fromkeys(wanted)]


def _pull(file: PublishedFile, folders: DataFolders, progress: Progress | None) -> Pulled:
    for folder in folders:
        path = folder / file.file_name
        if path.is_file():
            if is_right(path, file):
                return Pulled(file.name, path, fetched=False)
            if folder == folders.data:
                # It would be found before whatever is fetched into the cache.
                raise DataError(f"{path} is not the published file and hides it: remove it first")

    path = folders.cache / file.file_name
    part = path.with_name(path.name + ".part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        resumed = part.exists()
        if not _is_complete(part, file):
            _download(file, part, progress)
        if resumed and not is_right(part, file):
            # The torn half was of something else: once more, from the first byte.
            part.unlink()
            _download(file, part, progress)
        _checked(part, file)
        os.replace(part, path)
    except _WrongContent as wrong:
        part.unlink()
        raise DataError(f"{file.url} is not what was published: {wrong}") from None
    except OSError as error:
        where = error.filename or part
        raise DataError(f"{where}: can't be written: {error.strerror}") from None
    return Pulled(file.name, path, fetched=True)


def _is_complete(part: Path, file: PublishedFile) -> bool:
    """Whether an earlier pull was killed between its last byte and the renaming."""
    if not part.is_file() or part.stat().st_size != file.gz_size:
        return False
    return hashlib.sha256(part.read_bytes()).hexdigest() == file.gz_sha256


def _download(file: PublishedFile, part: Path, progress: Progress | None) -> None:
    """Fill `part` up to the end that the server states, over as many connections as it takes."""
    # Importing it takes a tenth of a second, which only those who pull should pay.
    import httpx

    torn: httpx.RequestError | None = None
    with httpx.Client(follow_redirects=True, timeout=TIMEOUT_S) as client:
        for _ in range(NUM_ATTEMPTS):
            before = _size(part)
            try:
                return _receive(client, file, part, progress)
            except httpx.RequestError as error:
                torn = error
            if _size(part) == before:
                break  # nothing came: the next try would fare the same
    kept = f"; {_size(part)} bytes are kept, the same command goes on from there"
    said = str(torn) or type(torn).__name__
    raise DataError(f"{file.url}: {said}{kept if _size(part) else ''}")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _receive(
    client: "httpx.Client", file: PublishedFile, part: Path, progress: Progress | None
) -> None:
    have = _size(part)
    headers = {"Range": f"bytes={have}-"} if have else {}
    # Stored as they are sent: a transfer encoding of the server's choice would break the ranges.
    with client.stream("GET", file.url, headers=headers | {"Accept-Encoding": "identity"}) as reply:
        if reply.status_code == 416:
            return  # nothing lies behind what we have: the caller's check says what that is
        if reply.status_code not in (200, 206):
            raise DataError(f"{file.url}: HTTP {reply.status_code} {reply.reason_phrase}")
        if reply.status_code == 200:
            have = 0
        length = reply.headers.get("Content-Length")
        total = have + int(length) if length else file.gz_size
        with part.open("ab" if have else "wb") as out:
            for chunk in reply.iter_raw():
                out.write(chunk)
                have += len(chunk)
                if progress:
                    progress(file.file_name, have, total)
