"""What programs run on besides `python`: an interpreter of its own and libraries, in a folder.

    <folder>/bigcodebench-<recipe>/
        environment.json   which interpreter, which recipe, what was left out
        packages/          the libraries, with their bytecode
        nltk_data/         language resources
        matplotlib/        the list of fonts, so that no program looks for them

The same recipe makes the image (sandboxes/images/bigcodebench) and the folder, which the process
sandbox shows to its workers. Not here: how a folder is built (environment_build.py).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandboxes.protocol import SandboxUnavailable

_IMAGES = Path(__file__).resolve().parent / "images"
RECIPE_FILES = ("requirements.txt", "scikit-image.txt", "warm_libraries.py", "smoke_test.py")
"""Of an environment that can be a folder; `requirements.txt` alone for an image that can't."""
DESCRIPTION = "environment.json"
SHARED = ("nltk_data", "matplotlib")
"""Sub-folders besides `packages`; inside a sandbox all of them lie under /opt."""

_TENSOR = re.compile(r"\b(?:tensorflow|keras|librosa)\b")
_SCIENCE = re.compile(
    r"\b(?:pandas|matplotlib|mpl_toolkits|seaborn|scipy|sklearn|statsmodels|requests|bs4|faker|nltk|"
    r"cv2|PIL|psutil|pytz|dateutil|lxml|openpyxl|docx|xlwt|yaml|sympy|folium|geopy|wordcloud|textblob|"
    r"regex|flask\w*|werkzeug|wtforms|django|rsa|cryptography|Crypto|prettytable|texttable|chardet|"
    r"geopandas|natsort|xmltodict|soundfile|skimage|gensim|networkx|wikipedia|sendgrid|shapely)\b"
)


def libraries_named(environment: str, text: str) -> str:
    """The group of `warm_libraries` that a program should find loaded; empty for none.

    >>> libraries_named("bigcodebench", "import pandas as pd"), libraries_named("python", "pandas")
    ('science', '')
    """
    if environment != "bigcodebench":
        return ""
    if _TENSOR.search(text):
        return "tensor"
    return "science" if _SCIENCE.search(text) else ""


def variables(packages: str, shared: Mapping[str, str], python: str) -> dict[str, str]:
    """What programs find in their environment besides what all do (process.WORKER_ENVIRONMENT)."""
    return {
        "PATH": f"{packages}/bin:{Path(python).parent}:/usr/local/bin:/usr/bin:/bin",
        # Of programs that a program starts; the agent's own path is made by the agent.
        "PYTHONPATH": packages,
        "NLTK_DATA": shared["nltk_data"],
        "MPLCONFIGDIR": shared["matplotlib"],
        "MPLBACKEND": "Agg",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }


def recipe(name: str, without: tuple[str, ...] = ()) -> str:
    """Digest of what an environment is made of, 12 hex digits."""
    digest = hashlib.sha256(" ".join(without).encode())
    for file in RECIPE_FILES:
        digest.update(b"\0" + (_IMAGES / name / file).read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class FolderEnvironment:
    """One that is built."""

    name: str
    path: Path
    python: str
    """The interpreter, with its links resolved."""
    prefix: str
    """The folder that the interpreter is installed in."""
    version: str
    without: tuple[str, ...]
    """What was left out of it."""

    @property
    def digest(self) -> str:
        """What verdicts depend on."""
        return f"{self.path.name}+python-{self.version}"

    @property
    def shared(self) -> dict[str, Path]:
        return {name: self.path / name for name in SHARED}


def find(name: str, folder: Path) -> FolderEnvironment:
    """The environment of that name as it is built in `folder`, by the recipe of this version.

    Raises:
        SandboxUnavailable: there is none; the message says how to build it.
    """
    how = f"build it once with: harness doctor --build-env {name}"
    if not (_IMAGES / name / RECIPE_FILES[-1]).is_file():
        raise SandboxUnavailable(f"there is no environment {name!r} outside of containers")
    for without in ((), ("scikit-image",)):
        path = folder / f"{name}-{recipe(name, without)}"
        try:
            row = json.loads((path / DESCRIPTION).read_text())
        except OSError:
            continue
        found = FolderEnvironment(
            name, path, row["python"], row["prefix"], row["version"], tuple(row["without"])
        )
        if not Path(found.python).is_file():
            raise SandboxUnavailable(f"{found.python}, which {path} was built for, is gone: {how}")
        return found
    raise SandboxUnavailable(f"the environment {name!r} is not in {folder}: {how}")
