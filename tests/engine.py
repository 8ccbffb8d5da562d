"""The Docker engine of this machine: out of sight for all tests but those that want it.

What a test sees must not depend on whether an engine happens to run, so DOCKER_HOST points nowhere
while tests run, and `auto` leads to namespaces. Tests of containers are marked `docker`, and find
the engine by `docker_sandbox()` or inside of `engine_in_sight()`. What their image is built from,
where it is not what users get, HARNESS_TEST_BASE_IMAGE and HARNESS_TEST_WHEELS say.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sandboxes.container import DockerSandbox
from sandboxes.engine import why_no_engine
from sandboxes.image import DEFAULT_BASE
from sandboxes.pool import WorkerPool

_NOWHERE = "unix:///nowhere/docker.sock"
_HOST = os.environ.get("DOCKER_HOST")
BASE_IMAGE = os.environ.get("HARNESS_TEST_BASE_IMAGE", DEFAULT_BASE)
WHEELS = Path(os.environ["HARNESS_TEST_WHEELS"]) if "HARNESS_TEST_WHEELS" in os.environ else None


def hide_engine() -> None:
    os.environ["DOCKER_HOST"] = _NOWHERE


@contextmanager
def engine_in_sight() -> Generator[None]:
    hidden = os.environ.pop("DOCKER_HOST", None)
    if _HOST is not None:
        os.environ["DOCKER_HOST"] = _HOST
    try:
        yield
    finally:
        os.environ.pop("DOCKER_HOST", None)
        if hidden is not None:
            os.environ["DOCKER_HOST"] = hidden


def engine_environment() -> dict[str, str]:
    """Of a process that is to find the engine, and the image that the tests have built."""
    with engine_in_sight():
        found = dict(os.environ)
    settings = {"HARNESS_SANDBOX__BASE_IMAGE": BASE_IMAGE}
    return found | settings | ({"HARNESS_SANDBOX__WHEELS": str(WHEELS)} if WHEELS else {})


@cache
def why_no_docker() -> str | None:
    """Why tests of containers can't run here; None where they can."""
    with engine_in_sight():
        return why_no_engine()


class _VisibleDocker:
    """Looks for the engine when it is opened."""

    @contextmanager
    def open(self, environment: str, workers: int) -> Generator[WorkerPool]:
        with engine_in_sight():
            opening = DockerSandbox(base=BASE_IMAGE, wheels=WHEELS).open(environment, workers)
            pool = opening.__enter__()
        try:
            yield pool
        finally:
            opening.__exit__(None, None, None)


def docker_sandbox() -> _VisibleDocker:
    """The Docker sandbox on this machine's engine, with the tests' base image."""
    return _VisibleDocker()
