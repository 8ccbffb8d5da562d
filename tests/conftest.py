"""What tests stand on: the folders they read, and nothing skipped in silence.

A test that is marked `data` or `parity`, or takes the fixture of that folder, needs the
variable HARNESS_DATA or HARNESS_PARITY to name it (or `environments`, HARNESS_TEST_ENVIRONMENTS). Where it does not, the test is skipped and
the last lines of the session say so; under CI=true that is an error instead.
"""

import importlib.util
import os
import signal
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.browser import why_no_chromium
from tests.engine import hide_engine, why_no_docker

hide_engine()

# Whatever started us in the background may have had SIGINT ignored, and children inherit that:
# the tests of Ctrl-C would wait for an interrupt that never comes.
signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before anyone imports torch

# Scripts and hostile programs, not tests: --doctest-modules would import them.
collect_ignore = [
    "bench_bigcodebench.py",
    "bench_board.py",
    "bench_generate.py",
    "bench_grading.py",
    "bench_models.py",
    "bench_stats.py",
    "bench_training.py",
    "costs.py",
    "faults.py",
    "mutants.py",
    "soak.py",
    "tiny.py",
    "verify.py",
    # Whatever kinds of attack there are: they would run here, and with no sandbox around them.
    *(str(f) for f in (Path(__file__).parent / "sandboxes" / "attacks").iterdir() if f.is_dir()),
]


class Folder(NamedTuple):
    """A folder that lies outside of the repository."""

    marker: str
    fixture: str
    variable: str


FOLDERS = (
    Folder("data", "data_folder", "HARNESS_DATA"),
    Folder("parity", "parity_folder", "HARNESS_PARITY"),
    Folder("environments", "environments_folder", "HARNESS_TEST_ENVIRONMENTS"),
)
ON_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _why_absent(folder: Folder) -> str | None:
    """Why the folder can't be read, in the words of the summary; None where it can."""
    path = os.environ.get(folder.variable)
    if not path:
        return f"{folder.variable} is not set"
    return None if Path(path).is_dir() else f"{folder.variable}={path} is not a folder"


def _needs(test: pytest.Item, folder: Folder) -> bool:
    fixtures: tuple[str, ...] = getattr(test, "fixturenames", ())
    return test.get_closest_marker(folder.marker) is not None or folder.fixture in fixtures


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what can't run here, each with its reason; under CI=true refuse to start."""
    for folder in FOLDERS:
        needy = [test for test in items if _needs(test, folder)]
        why = _why_absent(folder) if needy else None
        if why and ON_CI:
            raise pytest.UsageError(f"{why}, and {len(needy)} tests need it (CI skips nothing)")
        for test in needy:
            test.add_marker(folder.marker)
            if why:
                test.add_marker(pytest.mark.skip(reason=why))

    for marker, why_not in (("docker", why_no_docker), ("chromium", why_no_chromium)):
        needy = [test for test in items if test.get_closest_marker(marker)]
        if needy and (why := why_not()):
            if ON_CI:
                raise pytest.UsageError(f"{why}, and {len(needy)} tests need it (CI skips nothing)")
            for test in needy:
                test.add_marker(pytest.mark.skip(reason=why))

    for module, extra in (("torch", "local"), ("vllm", "cpu or gpu")):
        needy = [test for test in items if test.get_closest_marker(module)]
        if needy and importlib.util.find_spec(module) is None:
            why = f"{module} is not installed (the extra {extra}; `make test-models` has it)"
            for test in needy:
                test.add_marker(pytest.mark.skip(reason=why))

    if "verify" not in config.option.markexpr:
        hours = [test for test in items if test.get_closest_marker("verify")]
        items[:] = [test for test in items if test not in set(hours)]
        config.hook.pytest_deselected(items=hours)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One loud line a reason, so that a green session without its data is no surprise."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.getreports("skipped"):
        if isinstance(report.longrepr, tuple):
            reasons[str(report.longrepr[2]).removeprefix("Skipped: ")] += 1
    for reason, count in reasons.most_common():
        terminalreporter.write_line(
            f"NOT TESTED: {count} skipped: {reason}", yellow=True, bold=True
        )


def _folder(fixture: str) -> Path:
    (folder,) = (folder for folder in FOLDERS if folder.fixture == fixture)
    return Path(os.environ[folder.variable]).resolve()


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of benchmark files, as HARNESS_DATA names it."""
    return _folder("data_folder")


@pytest.fixture(scope="session")
def parity_folder() -> Path:
    """The folder of recorded samples with published verdicts, as HARNESS_PARITY names it."""
    return _folder("parity_folder")


@pytest.fixture(scope="session")
def environments_folder() -> Path:
    """Where BigCodeBench's environment is built, as HARNESS_TEST_ENVIRONMENTS names it."""
    return _folder("environments_folder")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HARNESS_HOME of the test's own; the variable is set."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HARNESS_HOME", str(folder))
    return folder
