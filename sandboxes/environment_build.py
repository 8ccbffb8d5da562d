"""Build an environment as a folder: install, fill, compile, try. For machines without containers.

    build("bigcodebench", Path("~/.cache/code-harness/environments").expanduser(), Sources(...), print)

The folder takes its name when everything in it has been tried, so that a build which was torn is no
environment; pip's own cache spares most of the work the second time. Not here: what is in such a
folder, and how it is found (environments.py).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sandboxes import environments
from sandboxes.protocol import SandboxUnavailable

VERSION = "3.10"
"""Of the interpreter: what the locked versions have wheels for."""
_IMAGES = Path(__file__).resolve().parent / "images"
_SCIKIT_IMAGE = "scikit-image"
_NLTK = "punkt stopwords words vader_lexicon averaged_perceptron_tagger".split()


class Sources(NamedTuple):
    """Where the parts come from."""

    python: Path | None = None
    """The interpreter; None looks on the PATH, in pyenv's folder and where uv puts them."""
    wheels: Path | None = None
    """A folder of wheels for a build without network; None is what pip is set up for."""
    nltk_data: Path | None = None
    """A folder of nltk's resources; None downloads them."""
    with_scikit_image: bool = True
    """It has no wheel for this Python and compiles for 13 minutes; one task needs it, one names it."""


def build(name: str, folder: Path, sources: Sources, say: Callable[[str], None]) -> Path:
    """Build the environment `name` below `folder`; where it lies.

    Raises:
        SandboxUnavailable: there is no such environment or interpreter, or a step fails.
    """
    recipe_folder = _IMAGES / name
    if not (recipe_folder / "warm_libraries.py").is_file():
        raise SandboxUnavailable(f"there is no environment {name!r} that can be built as a folder")
    python = _interpreter(sources.python)
    without = () if sources.with_scikit_image else (_SCIKIT_IMAGE,)
    path = folder / f"{name}-{environments.recipe(name, without)}"
    draft = path.with_name(f"{path.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        (draft / "home").mkdir(parents=True)
        _install(python, recipe_folder, draft, sources, say)
        _fill(python, recipe_folder, draft, sources, say)
        say("trying every library that tasks name")
        left_out = ["skimage"] if without else []
        _run(python, draft, [str(recipe_folder / "smoke_test.py"), *left_out])
        (draft / environments.DESCRIPTION).write_text(
            json.dumps(_described(python) | {"without": list(without)}, indent=2) + "\n"
        )
        shutil.rmtree(draft / "home")
        shutil.rmtree(path, ignore_errors=True)
        draft.rename(path)
    except OSError as error:
        raise SandboxUnavailable(f"{draft} can't be written: {error.strerror}") from None
    return path


def _install(
    python: str, recipe: Path, draft: Path, sources: Sources, say: Callable[[str], None]
) -> None:
    offline = ["--no-index", "--find-links", str(sources.wheels)] if sources.wheels else []
    pip = [
        *(
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-compile",
            "--no-warn-script-location",
        ),
        *("--disable-pip-version-check", "--root-user-action", "ignore"),
        *("--target", str(draft / "packages"), *offline),
    ]
    say(f"installing the libraries of {recipe.name}: 2.5 GB, some minutes")
    _run(python, None, [*pip, "-r", str(recipe / "requirements.txt")])
    if sources.with_scikit_image:
        say(
            "compiling scikit-image, 13 minutes on one core (sandbox.build_scikit_image=false: not)"
        )
        _run(python, None, [*pip, "-r", str(recipe / "scikit-image.txt")])
    else:
        say("without scikit-image: BigCodeBench/169 and /180 can't pass, and are told as such")


def _fill(
    python: str, recipe: Path, draft: Path, sources: Sources, say: Callable[[str], None]
) -> None:
    packages = draft / "packages"
    shutil.copy(recipe / "warm_libraries.py", packages)
    say("language resources and fonts")
    if sources.nltk_data is not None:
        shutil.copytree(sources.nltk_data, draft / "nltk_data")
    else:
        target = str(draft / "nltk_data")
        _run(python, draft, ["-m", "nltk.downloader", "-q", "-e", "-d", target, *_NLTK])
    (draft / "matplotlib").mkdir()
    _run(python, draft, ["-c", "import matplotlib.font_manager"])
    say("compiling the libraries' bytecode")
    jobs = str(os.cpu_count() or 1)
    # Some libraries carry files for other Pythons, which no compiler takes: its status says nothing.
    _run(python, None, ["-m", "compileall", "-q", "-j", jobs, str(packages)], may_fail=True)


def _run(python: str, draft: Path | None, arguments: list[str], *, may_fail: bool = False) -> None:
    """Run the interpreter, with the libraries of `draft` in sight where they are wanted."""
    variables = dict(os.environ) | {"PYTHONDONTWRITEBYTECODE": "1"}
    variables.pop("PYTHONPATH", None)
    if draft is not None:
        shared = {name: str(draft / name) for name in environments.SHARED}
        variables |= environments.variables(str(draft / "packages"), shared, python)
        variables |= {"HOME": str(draft / "home")}
    done = subprocess.run(
        [python, "-s", *arguments],
        env=variables,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
    )
    if done.returncode and not may_fail:
        said = " ".join((done.stderr or done.stdout).split())[-600:]
        what = " ".join(arguments[:3])
        raise SandboxUnavailable(f"the environment can't be built: python {what} …: {said}")


def _interpreter(wanted: Path | None) -> str:
    """A Python of the right version that has pip."""
    candidates = [str(wanted)] if wanted else list(_installed())
    for candidate in candidates:
        try:
            asked = subprocess.run(
                [candidate, "-c", "import pip, sys; print('%d.%d' % sys.version_info[:2])"],
                capture_output=True,
                text=True,
            )
        except OSError:
            continue
        if asked.returncode == 0 and asked.stdout.strip() == VERSION:
            return candidate
    looked = (
        f"{wanted} is no Python {VERSION} with pip" if wanted else f"no Python {VERSION} is here"
    )
    raise SandboxUnavailable(
        f"{looked}: uv python install {VERSION}, say, then --set sandbox.python=$(uv python find {VERSION})"
    )


def _installed() -> "list[str]":
    home = Path.home()
    folders = [
        *(home / ".pyenv" / "versions").glob(f"{VERSION}.*/bin"),
        *(home / ".local/share/uv/python").glob(f"cpython-{VERSION}.*/bin"),
    ]
    on_path = shutil.which(f"python{VERSION}")
    found = [on_path] if on_path else []
    return [*found, *(str(folder / f"python{VERSION}") for folder in sorted(folders))]


def _described(python: str) -> dict[str, str]:
    asked = subprocess.run(
        [
            python,
            "-c",
            "import json, os, platform, sys; print(json.dumps(dict(python=os.path.realpath("
            "getattr(sys, '_base_executable', sys.executable)), prefix=sys.base_prefix, "
            "version=platform.python_version())))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(asked.stdout)
