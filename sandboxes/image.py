"""The image that containers start from: built here, on first use, from the project's own Dockerfile.

    tag   harness-<environment>:<what programs run on, 12 hex>-<the agent, 12 hex>

The first half is the recipe: Dockerfile, requirements, base. It is part of a run's identity, because
verdicts depend on it; the second is not, as the grader's version speaks for the agent. An image is
found by its tag and never looked at again, so that a base which moves on (`python:3.11-slim`) moves
nobody's verdicts until the image is built anew (`harness doctor --build-images`).
"""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol, cast

from sandboxes.agent.supervisor import agent_digest
from sandboxes.protocol import SandboxUnavailable

_IMAGES = Path(__file__).resolve().parent / "images"
_AGENT = Path(__file__).resolve().parent / "agent"
DEFAULT_BASE = "python:3.11-slim"
DEFAULT_BASES: Mapping[str, str] = MappingProxyType({"bigcodebench": "python:3.10-slim"})
"""Of environments that need another."""


class Builder(Protocol):
    """What building needs of `docker.APIClient`."""

    def inspect_image(self, image: str) -> dict[str, object]: ...

    def build(
        self,
        *,
        fileobj: io.BytesIO,
        custom_context: bool,
        tag: str,
        buildargs: Mapping[str, str],
        rm: bool,
        forcerm: bool,
        decode: bool,
        timeout: int,
    ) -> Iterator[dict[str, object]]: ...


class Image(NamedTuple):
    """A recipe, and what it is called once it is built."""

    folder: Path
    base: str
    wheels: Path | None
    """Where wheels of the requirements lie, for a build without network."""
    nltk_data: Path | None = None
    """Where nltk's resources lie, for the same."""
    arguments: Mapping[str, str] = MappingProxyType({})
    """Of the Dockerfile, besides BASE."""

    @property
    def recipe(self) -> str:
        """Digest of what programs run on, 12 hex digits."""
        digest = hashlib.sha256(self.base.encode())
        for value in self.arguments.values():
            digest.update(b"\0" + value.encode())
        for path in self.files:
            digest.update(b"\0" + path.read_bytes())
        return digest.hexdigest()[:12]

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file())

    @property
    def tag(self) -> str:
        return f"harness-{self.folder.name}:{self.recipe}-{agent_digest(str(_AGENT))[:12]}"


def image_named(
    environment: str,
    *,
    base: str = DEFAULT_BASE,
    wheels: Path | None = None,
    nltk_data: Path | None = None,
    with_scikit_image: bool = True,
) -> Image:
    """The recipe of one of our environments. The last two are of `bigcodebench` alone.

    Raises:
        SandboxUnavailable: there is none of that name.
    """
    folder = _IMAGES / environment
    if not environment.isidentifier() or not (folder / "Dockerfile").is_file():
        known = ", ".join(sorted(path.parent.name for path in _IMAGES.glob("*/Dockerfile")))
        raise SandboxUnavailable(f"there is no environment {environment!r}; there are: {known}")
    if environment != "bigcodebench":
        return Image(folder, base, wheels)
    scikit_image = {"SCIKIT_IMAGE": "yes" if with_scikit_image else ""}
    return Image(folder, base, wheels, nltk_data, scikit_image)


def ensure(
    builder: Builder, image: Image, say: Callable[[str], None], *, anew: bool = False
) -> str:
    """The tag of the image, which is built if it is not there, or if `anew`.

    Raises:
        SandboxUnavailable: it can't be built; the message has the engine's reason.
    """
    from docker.errors import APIError, ImageNotFound
    from requests.exceptions import RequestException

    try:
        if not anew:
            builder.inspect_image(image.tag)
            return image.tag
    except ImageNotFound:
        pass
    took = "half an hour or so" if image.folder.name == "bigcodebench" else "a minute or so"
    say(f"building the image {image.tag} from {image.base}: once, {took}")
    try:
        for event in builder.build(
            fileobj=_context(image),
            custom_context=True,
            tag=image.tag,
            buildargs={"BASE": image.base, **image.arguments},
            rm=True,
            forcerm=True,
            decode=True,
            timeout=3600,
        ):
            line = str(event.get("stream", "")).strip()
            if line.startswith("Step "):
                say(line)
            if "error" in event:
                raise _unbuildable(image, str(event["error"]))
    except (APIError, RequestException) as error:
        raise _unbuildable(image, str(error)) from None
    return image.tag


def _unbuildable(image: Image, reason: str) -> SandboxUnavailable:
    hint = (
        "Is the base image to be had here? Name another with --set sandbox.base_image=…; for a "
        "build without network put the wheels of its requirements.txt in a folder and name that "
        "with --set sandbox.wheels=…"
    )
    said = " ".join(reason.split())[:300]
    return SandboxUnavailable(f"the image {image.tag} can't be built: {said}. {hint}")


def _context(image: Image) -> io.BytesIO:
    """The build's files, in one archive: nothing else of this machine gets into the image."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in image.files:
            tar.add(path, path.name, filter=_of_nobody)
        for name in ("wheels", "nltk_data"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        for wheel in sorted(image.wheels.glob("*.whl")) if image.wheels else ():
            tar.add(wheel, f"wheels/{wheel.name}")
        for resource in sorted(image.nltk_data.rglob("*")) if image.nltk_data else ():
            if resource.is_file():
                place = f"nltk_data/{resource.relative_to(cast(Path, image.nltk_data))}"
                tar.add(resource, place, filter=_of_nobody)
        for source in sorted(_AGENT.glob("*.py")):
            tar.add(source, f"agent/{source.name}", filter=_of_nobody)
    archive.seek(0)
    return archive


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same archive whoever builds, so that the engine's build cache holds."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime, member.mode = 0, 0o644
    return member


def image_id(builder: Builder, tag: str) -> str:
    """The engine's own digest of an image."""
    return cast(str, builder.inspect_image(tag)["Id"])
