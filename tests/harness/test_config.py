"""Where settings come from, which source wins, and what an error says."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness import config
from harness.config import Settings, load
from harness.errors import ConfigError


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.chdir(tmp_path)


def write_toml(text: str, name: str = "harness.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def error_of(
    toml: str = "", sets: tuple[str, ...] = (), env: dict[str, str] | None = None, **flags: object
) -> str:
    write_toml(toml)
    overrides = {key.replace("__", "."): value for key, value in flags.items()}
    with pytest.raises(ConfigError) as caught:
        load(sets=sets, env=env or {}, overrides=overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_defaults():
    settings = load(env={"XDG_CACHE_HOME": "/xdg"})
    assert settings.home == Path("harness-out")
    assert settings.cache == Path("/xdg/code-harness")
    assert settings.sandbox.workers is None
    assert settings == Settings(cache=settings.cache)


def test_the_cache_is_below_the_users_home_without_xdg():
    assert load(env={}).cache == Path.home() / ".cache" / "code-harness"


def test_each_source_wins_over_the_one_before():
    key, values = "eval.max_unscored", [0]
    values.append(load(env={}).eval.max_unscored)
    write_toml("[eval]\nmax_unscored = 1")
    values.append(load(env={}).eval.max_unscored)
    env = {"HARNESS_EVAL__MAX_UNSCORED": "2"}
    values.append(load(env=env).eval.max_unscored)
    values.append(load(env=env, sets=[f"{key}=9", f"{key} = 3"]).eval.max_unscored)
    values.append(load(env=env, sets=[f"{key}=3"], overrides={key: 4}).eval.max_unscored)
    assert values == [0, 0, 1, 2, 3, 4]


def test_sources_add_up():
    write_toml('home = "runs"\n[sandbox]\nworkers = 2\nkind = "plain"\n[eval]\nlimit = 20')
    settings = load(
        env={"HARNESS_DATA": "files", "HARNESS_CACHE": "~/c"},
        sets=["sandbox.allow_plain=true"],
        overrides={"eval.num_samples": 4, "eval.limit": None},
    )
    assert settings.home == Path("runs")
    assert settings.data == Path("files")
    assert settings.cache == Path.home() / "c"
    assert settings.sandbox.model_dump(exclude_defaults=True) == {
        "kind": "plain",
        "workers": 2,
        "allow_plain": True,
    }
    assert (settings.eval.num_samples, settings.eval.limit) == (4, 20)


def test_none_clears_what_may_be_none_and_is_a_word_elsewhere():
    write_toml("[eval]\nlimit = 20")
    settings = load(env={}, sets=["eval.limit=none", "replay.extraction=none"])
    assert settings.eval.limit is None
    assert settings.replay.extraction == "none"


def test_a_named_file_is_read_instead_of_the_one_that_lies_there():
    write_toml("home = 'here'")
    other = write_toml("home = 'other'", "other.toml")
    assert load(config_file=other, env={}).home == Path("other")


def test_variables_of_other_programs_and_empty_ones_are_passed_over():
    env = {"HARNESS_PARITY": "1", "HARNESS_HOST": "ci", "HARNESS_HOME": "", "SANDBOX__KIND": "x"}
    assert load(env=env).home == Path("harness-out")


def test_settings_can_not_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        load(env={}).sandbox.workers = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "said, expected",
    [
        (
            lambda: error_of("[sandbox]\nwrokers = 4"),
            "harness.toml: unknown key 'sandbox.wrokers': did you mean sandbox.workers?",
        ),
        (
            lambda: error_of("workers = 4"),
            "harness.toml: unknown key 'workers': did you mean sandbox.workers?",
        ),
        (
            lambda: error_of("sandbox = 4"),
            "harness.toml: 'sandbox' is a section; its keys are sandbox.kind, sandbox.workers, "
            "sandbox.base_image, sandbox.bigcodebench_base_image, sandbox.wheels, sandbox.runtime, "
            "sandbox.memory_mb, sandbox.allow_plain, sandbox.python, sandbox.nltk_data, "
            "sandbox.build_scikit_image",
        ),
        (
            lambda: error_of("[eval]\nlimit = 0"),
            "harness.toml: eval.limit: input should be greater than 0, not 0",
        ),
        (
            lambda: error_of(env={"HARNESS_SANDBOX__WORKERS": "four"}),
            "HARNESS_SANDBOX__WORKERS: sandbox.workers: input should be a valid integer, "
            "unable to parse string as an integer, not 'four'",
        ),
        (
            lambda: error_of(env={"HARNESS_SANDBOX__KIDN": "plain"}),
            "HARNESS_SANDBOX__KIDN: unknown key 'sandbox.kidn': did you mean sandbox.kind?",
        ),
        (
            lambda: error_of(env={"HARNESS_SANDBOX": "plain"}),
            "HARNESS_SANDBOX: 'sandbox' is a section; its keys are sandbox.kind, sandbox.workers, "
            "sandbox.base_image, sandbox.bigcodebench_base_image, sandbox.wheels, sandbox.runtime, "
            "sandbox.memory_mb, sandbox.allow_plain, sandbox.python, sandbox.nltk_data, "
            "sandbox.build_scikit_image",
        ),
        (
            lambda: error_of(sets=("grading.profil=strict",)),
            "--set grading.profil=strict: unknown key 'grading.profil': "
            "did you mean grading.profile?",
        ),
        (
            lambda: error_of(sets=("eval.limit",)),
            "--set eval.limit: write it as key=value, as in --set sandbox.workers=4",
        ),
        (
            lambda: error_of(sandbox__kind="docker"),
            "--sandbox: sandbox.kind: input should be 'auto', 'container', 'namespaces' or "
            "'plain', not 'docker'",
        ),
        (
            lambda: error_of(eval__max_unscored=-1),
            "--max-unscored: eval.max_unscored: input should be greater than or equal to 0, not -1",
        ),
    ],
)
def test_an_error_names_source_key_and_remedy(said: "object", expected: str):
    assert callable(said)
    assert said() == expected


def test_the_last_source_is_the_one_that_is_blamed():
    said = error_of("[eval]\nlimit = 5", env={"HARNESS_EVAL__LIMIT": "0"})
    assert said.startswith("HARNESS_EVAL__LIMIT: eval.limit:")


def test_an_unknown_key_like_no_other_is_answered_with_what_there_is():
    said = error_of("zzzz = 1")
    assert "there are: home, data, cache, sandbox.kind" in said


def test_a_file_that_is_missing_or_no_toml(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"^absent\.toml: cannot be read: No such file"):
        load(config_file=Path("absent.toml"), env={})
    assert error_of("home = ").startswith("harness.toml: is not TOML: ")
    (tmp_path / "harness.toml").write_bytes(b"home = '\xff'")
    with pytest.raises(ConfigError, match="is not TOML: 'utf-8' codec"):
        load(env={})


def test_every_setting_is_documented_and_every_flag_has_a_setting():
    assert all(field.description for field in config.KEYS.values())
    assert set(config.FLAGS) <= set(config.KEYS)


def test_the_import_loads_nothing_heavy():
    heavy = ["numpy", "duckdb", "torch", "transformers", "docker", "datasets"]
    script = f"import sys, harness.config; print([n for n in {heavy} if n in sys.modules])"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
