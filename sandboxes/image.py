"""The image that containers start from: built here, on first use, from the project's own Dockerfile.

    tag   harness-python:<what programs run on, 12 hex>-<the agent, 12 hex>

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
from typing import NamedTuple, Protocol, cast

from sandboxes.agent.supervisor import agent_digest
from sandboxes.protocol import SandboxUnavailable

_IMAGES = Path(__file__).resolve().parent / "images"
_AGENT = Path(__file__).resolve().parent / "agent"
DEFAULT_BASE = "python:3.11-slim"


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

    @property
    def recipe(self) -> str:
        """Digest of what programs run on, 12 hex digits."""
        digest = hashlib.sha256(self.base.encode())
        for name in ("Dockerfile", "requirements.txt"):
            digest.update(b"\0" + (self.folder / name).read_bytes())
        return digest.hexdigest()[:12]

    @property
    def tag(self) -> str:
        return f"harness-{self.folder.name}:{self.recipe}-{agent_digest(str(_AGENT))[:12]}"


def image_named(environment: str, *, base: str = DEFAULT_BASE, wheels: Path | None = None) -> Image:
    """The recipe of one of our environments.

    Raises:
        SandboxUnavailable: there is none of that name.
    """
    folder = _IMAGES / environment
    if not environment.isidentifier() or not (folder / "Dockerfile").is_file():
        known = ", ".join(sorted(path.parent.name for path in _IMAGES.glob("*/Dockerfile")))
        raise SandboxUnavailable(f"there is no environment {environment!r}; there are: {known}")
    return Image(folder, base, wheels)


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
    say(f"building the image {image.tag} from {image.base}: once, a minute or so")
    try:
        for event in builder.build(
            fileobj=_context(image),
            custom_context=True,
            tag=image.tag,
            buildargs={"BASE": image.base},
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
        for name in ("Dockerfile", "requirements.txt"):
            tar.add(image.folder / name, name)
        folder = tarfile.TarInfo("wheels")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for wheel in sorted(image.wheels.glob("*.whl")) if image.wheels else ():
            tar.add(wheel, f"wheels/{wheel.name}")
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
