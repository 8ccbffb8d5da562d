"""The verbs as a person types them: what is printed where, and with which exit code.

`type_in` runs `main` in this process, with real sandboxes; what needs a process of its own
(pipes, a terminal, Ctrl-C, shells, the time that `--help` takes) gets one.
"""

import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from harness import cli
from harness.benchmarks import sanity
from harness.problem_types import TYPES
from harness.records import Status

PROBLEMS = sanity.load().problems[:6]
NAMES = [problem.task_id.partition("/")[2] for problem in PROBLEMS]
COMMAND = [sys.executable, "-c", "from harness.cli import main; main()"]
"""The command `harness`, wherever this Python's scripts are."""
NAP = "import time; time.sleep(1)\n"


class Typed(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line of an error: nothing on standard output, and no traceback."""
        assert self.out == ""
        *talk, last, end = self.err.split("\n")
        assert end == "" and last.startswith("harness: ")
        assert not any(line.startswith(("harness: ", "Traceback")) for line in talk)
        return last


TypeIn = Callable[..., Typed]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def environment(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with settings of its own and nothing of this machine's."""
    for variable in os.environ:
        if variable.startswith("HARNESS_") and variable != "HARNESS_PARITY":
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HARNESS_CACHE", str(cache))
    # All programs here are ours: on a machine without namespaces they may run all the same.
    monkeypatch.setenv("HARNESS_SANDBOX__ALLOW_PLAIN", "true")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def type_in(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> TypeIn:
    def type_in(*words: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["harness", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exited:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Typed(cast(int, exited.value.code), out, err)

    return type_in


def start(*words: str, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
        start_new_session=True,
    )


def write_samples(path: Path, *, num_samples: int = 1, num_problems: int = 6) -> str:
    """Right programs; the last problem's and every second sample are wrong."""
    with path.open("w") as file:
        for problem in PROBLEMS[:num_problems]:
            for index in range(num_samples):
                wrong = f"def {problem.entry_point}(*arguments):\n    return 'wrong'\n"
                is_right = index % 2 == 0 and problem is not PROBLEMS[5]
                row = {"task_id": problem.task_id, "solution": problem.solution}
                file.write(json.dumps(row if is_right else row | {"solution": wrong}) + "\n")
    return path.name


def run_of(typed: Typed) -> dict[str, object]:
    assert typed.code == 0, typed.err
    (run,) = cast(dict[str, list[dict[str, object]]], typed.json)["runs"]
    return run


# Measuring


def test_a_first_run_and_the_same_command_again(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "mine.jsonl")
    first = type_in("eval", samples)
    assert first.code == 0
    run_id = re.search(r"runs/(mine\.sanity\.[0-9a-f]{8})\n", first.out)
    assert run_id
    assert re.search(r"sanity +plus +1 +83\.3% \[.*\] +6 of 68 +6 +0\n", first.out)
    assert "passed 5  wrong_answer 1" in first.out
    assert f"next: harness show {run_id[1]} --failed" in first.out
    sandbox, partial = first.err.splitlines()
    assert sandbox.startswith("sandbox: namespaces (no Docker engine answers at /nowhere/")
    assert partial == "partial: 62 of 68 problems have no sample"

    again = type_in("eval", samples)
    assert (again.code, again.out) == (0, first.out)
    assert f"run {run_id[1]} is complete: nothing to do" in again.err


def test_n_and_limit_extend(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_samples=2)
    run = run_of(type_in("eval", samples, "-n", "1", "--limit", "3", "--json"))
    assert (run["samples"], run["problems"]) == (3, 3)
    wider = type_in("eval", samples, "-n", "1", "-L", "5", "--json")
    assert "3 of 5 verdicts kept, 2 to do (config unchanged)" in wider.err
    whole = run_of(type_in("eval", samples, "--json"))
    assert (whole["samples"], whole["problems"]) == (12, 6)
    assert whole["run"] == run["run"]
    assert cast(dict[str, object], whole["pass@2"]).keys() == {"base", "plus"}


def test_a_named_run_that_changed_is_refused_with_both_commands(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_problems=1)
    assert type_in("eval", samples, "--run", "mine").code == 0
    changed = ("eval", samples, "--run", "mine", "--profile", "evalplus-master")
    refused = type_in(*changed)
    assert refused.code == 2
    assert refused.complaint == (
        "harness: cannot resume mine.sanity: profile strict → evalplus-master. "
        "Start fresh with harness eval s.jsonl --run mine --profile evalplus-master --fresh, "
        "or repeat the original: harness eval s.jsonl --run mine"
    )
    assert run_of(type_in(*changed, "--fresh", "--json"))["profile"] == "evalplus-master"
    # To repeat is to resume: the recorded command does not start anew.
    back = type_in("eval", samples, "--run", "mine")
    assert back.complaint.endswith(
        "repeat the original: harness eval s.jsonl --run mine --profile evalplus-master --json"
    )


def test_regrade(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_samples=2, num_problems=2)
    run = run_of(type_in("eval", samples, "--run", "mine", "--json"))
    same = type_in("regrade", "mine", "--json")
    assert "4 verdicts graded again, 0 changed" in same.err
    assert run_of(same)["run"] == "mine.sanity"
    other = run_of(type_in("regrade", "last", "--profile", "evalplus-0.3.1", "--json"))
    assert cast(str, other["run"]).startswith("s.sanity.")
    assert other["profile"] == "evalplus-0.3.1"
    assert other["by_status"] == run["by_status"]


def test_the_demo_needs_no_file(type_in: TypeIn):
    run = run_of(type_in("eval", "fake:demo", "--limit", "4", "--json"))
    assert (run["checkpoint"], run["scored"], run["unscored"]) == ("demo", 4, 0)
    regraded = run_of(type_in("regrade", "demo", "--profile", "evalplus-master", "--json"))
    assert regraded["samples"] == 4


def test_a_torn_last_line_is_left_out_and_said(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_problems=2)
    with (environment / samples).open("a") as file:
        file.write('{"task_id": "sani')
    typed = type_in("eval", samples, "--json")
    assert "s.jsonl:3: the last line is torn" in typed.err
    assert run_of(typed)["samples"] == 2


def test_quiet_and_verbose(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_problems=1)
    loud = type_in("-v", "eval", samples)
    assert f"✓ {PROBLEMS[0].id} #0: passed" in loud.err
    assert type_in("-q", "eval", samples) == (0, loud.out, "")


# JSON


def test_json_is_as_the_schema_says(environment: Path, type_in: TypeIn):
    schema = json.loads(resources.files("harness").joinpath("schemas/eval.json").read_text())
    samples = write_samples(environment / "s.jsonl", num_samples=2, num_problems=2)
    typed = type_in("eval", samples, "--json")
    assert typed.out.count("\n") == 1
    check(typed.json, schema, schema)
    for words in (("regrade", "last"), ("show", "last"), ("show", "last", "--json")):
        shown = type_in(*words, *({"--json"} - set(words)))
        check(shown.json, schema, schema)
    with pytest.raises(AssertionError):
        check({"runs": [{**run_of(typed), "pass@0": {}}]}, schema, schema)
    with pytest.raises(AssertionError):
        check({"runs": [{**run_of(typed), "scored": "2"}]}, schema, schema)


def check(value: object, schema: Mapping[str, object], root: Mapping[str, object]) -> None:
    """As much of JSON Schema as the file uses."""
    known = {"$schema", "$defs", "title", "description"}
    known |= {"$ref", "type", "required", "properties", "patternProperties"}
    known |= {"additionalProperties", "items"}
    assert schema.keys() <= known
    if isinstance(reference := schema.get("$ref"), str):
        schemas = cast(dict[str, dict[str, object]], root["$defs"])
        check(value, schemas[reference.removeprefix("#/$defs/")], root)
        return
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "null": type(None),
    }
    asked = schema["type"]
    names = cast(list[str], asked if isinstance(asked, list) else [asked])
    assert any(isinstance(value, kinds[name]) for name in names), (value, names)
    if isinstance(value, list):
        for part in value:
            check(part, cast(Mapping[str, object], schema["items"]), root)
    if not isinstance(value, dict):
        return
    fields = cast(dict[str, object], value)
    assert set(cast(list[str], schema.get("required", []))) <= fields.keys()
    named = cast(dict[str, Mapping[str, object]], schema.get("properties", {}))
    patterns = cast(dict[str, Mapping[str, object]], schema.get("patternProperties", {}))
    for key, field in fields.items():
        found = [named[key]] if key in named else []
        found += [part for pattern, part in patterns.items() if re.search(pattern, key)]
        rest = schema.get("additionalProperties", True)
        assert found or rest, key
        if not found and isinstance(rest, dict):
            found = [cast(Mapping[str, object], rest)]
        for part in found:
            check(field, part, root)


def test_every_json_is_one_document_and_alone(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_samples=2)
    assert type_in("eval", samples).code == 0
    failed = type_in("show", "last", "--failed", "--json")
    assert len(cast(list[object], failed.json)) == 7
    one = type_in("show", "last", NAMES[0], "--json")
    pairs = cast(list[dict[str, dict[str, object]]], one.json)
    assert [(pair["verdict"]["index"], pair["sample"]["index"]) for pair in pairs] == [
        (0, 0),
        (1, 1),
    ]
    (row,) = cast(list[dict[str, object]], type_in("ls", "--json").json)
    assert cast(dict[str, dict[str, object]], row["pass@1"])["base"]["n"] == 6
    assert re.match(r"\d{4}-\d\d-\d\dT", cast(str, row["modified"]))
    for words in (("ls", "benchmarks"), ("ls", "profiles"), ("data", "ls")):
        typed = type_in(*words, "--json")
        assert typed.code == 0 and typed.err == "" and isinstance(typed.json, list)


# Looking


def test_show_in_all_forms(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_samples=2, num_problems=3)
    made = type_in("eval", samples)
    assert type_in("show", "last").out == made.out
    assert type_in("show", "s.san").out == made.out
    failed = type_in("show", "last", "--failed")
    lines = failed.out.splitlines()
    assert all(re.match(r"✗  sanity/\w+ #1 +wrong_answer  base 0: .* not ", line)
               for line in lines[:3])  # fmt: skip
    assert lines[3] == "3 of 6 samples" and lines[4].startswith("next: harness show s.sanity.")
    assert type_in("show", "last", "--status", "WRONG-ANSWER").out == failed.out
    assert type_in("show", "last", "--status", "timeout").out == "0 of 6 samples\n"
    one = type_in("show", "last", f"sanity/{NAMES[1]}").out
    assert one == type_in("show", "last", NAMES[1]).out
    assert PROBLEMS[1].solution.strip() in one
    assert re.search(r"base: wrong_answer, 0 of \d+ tests passed\n +test 0  .*\n +expected  ", one)
    assert one.count(" · profile strict\n") == 2


def test_ls(environment: Path, type_in: TypeIn):
    assert type_in("ls") == (0, "", "no runs here yet: harness eval samples.jsonl\n")
    long_name = "a-name-that-is-longer-than-a-narrow-terminal-would-like-it-to-be"
    type_in("eval", write_samples(environment / "s.jsonl", num_problems=1), "--run", long_name)
    (head, row) = type_in("ls").out.splitlines()
    assert head.split()[:2] == ["run", "profile"]
    # Elsewhere than on a terminal a row is a line.
    assert re.match(rf"{long_name}\.sanity +strict +base 100\.0% \[.*\]  plus .* 1 +0 +2", row)
    assert "sanity\n" in type_in("ls", "benchmarks").out
    assert type_in("ls", "profiles").out == "evalplus-0.3.1\nevalplus-master\nstrict\n"


def test_an_evaluation_ends_with_its_types_the_weakest_first(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl")  # four of regex, two of date_time: one wrong
    typed = type_in("eval", samples)
    rows = [line.split()[:3] for line in typed.out.splitlines() if line[:5] in ("regex", "date_")]
    assert rows == [["date_time", "2", "50.0%"], ["regex", "4", "100.0%"]]
    assert "unscored" not in typed.out.partition("\ntype ")[2].partition("\n")[0]
    one_type = type_in("eval", samples, "--run", "one", "--type", "date_time", "--json")
    by_type = cast(dict[str, dict[str, object]], run_of(one_type)["by_type"])
    assert list(by_type) == ["date_time"] and by_type["date_time"]["samples"] == 2
    assert "\ntype " not in type_in("show", "one.sanity").out
    first = type_in("eval", samples, "--run", "first", "--type", "date_time", "-L", "1", "--json")
    assert run_of(first)["samples"] == 1


def test_what_is_looked_at_by_type(environment: Path, type_in: TypeIn):
    type_in("eval", write_samples(environment / "s.jsonl"))
    of_type = type_in("show", "last", "--type", "date_time").out
    assert of_type.endswith("2 of 6 samples\n" + of_type[of_type.index("next: ") :])
    failed = type_in("show", "last", "--type", "date_time,regex", "--failed", "--json").json
    assert [
        cast(dict[str, str], verdict)["problem_id"] for verdict in cast(list[object], failed)
    ] == [PROBLEMS[5].id]
    why = type_in("show", "last", NAMES[0], "--why").out
    assert why.startswith(f"{PROBLEMS[0].id} · taxonomy") and "re.sub" in why
    tags = cast(dict[str, object], type_in("show", "last", NAMES[0], "--why", "--json").json)
    assert tags["type"] == "regex" and tags["io"] == "(str) -> str"
    weak = type_in("show", "last", "--weaknesses").out.splitlines()
    assert [line.split()[0] for line in weak[1:3]] == ["date_time", "regex"]
    assert weak[3].startswith("0 of 2 types may act alone")


def test_types_are_listed(type_in: TypeIn):
    lines = type_in("ls", "types").out.splitlines()
    assert lines[0].split()[:4] == ["type", "humaneval+", "mbpp+", "bigcodebench"]
    assert [line.split()[0] for line in lines[1:]] == list(TYPES)
    rows = cast(list[dict[str, dict[str, int]]], type_in("ls", "types", "--json").json)
    totals = {name: sum(row["problems"][name] for row in rows) for name in rows[0]["problems"]}
    assert totals == {"humaneval+": 164, "mbpp+": 378, "bigcodebench": 1140}


def test_an_unknown_type_is_said_before_anything_is_done(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl")
    said = type_in("eval", samples, "-b", "sanity", "--type", "regexx")
    assert (
        said.code == 2 and "unknown type of sanity 'regexx': did you mean regex?" in said.complaint
    )
    assert type_in("ls").out == ""
    type_in("eval", samples)
    assert type_in("show", "last", "--type", "strig").code == 2
    assert "show last HumanEval/3 --why" in type_in("show", "last", "--why").complaint


def test_proposed_commands_are_for_this_home(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl")
    out = type_in("--home", "else where", "eval", samples).out
    proposed = out.partition("next: ")[2].splitlines()[0]
    assert proposed.startswith("harness --home 'else where' show s.sanity.")


def test_data_ls_and_doctor(type_in: TypeIn, environment: Path):
    listed = type_in("data", "ls")
    assert listed.code == 0 and "∅  humaneval+ " in listed.out
    examined = type_in("doctor", "--json")
    findings = cast(list[dict[str, object]], examined.json)
    failed = [finding for finding in findings if finding["needed"] and not finding["ok"]]
    assert examined.code == (2 if failed else 0)
    subjects = [cast(str, finding["subject"]) for finding in findings]
    assert {"python", "containers", "namespaces", "home", "cache", "humaneval+"} <= set(subjects)
    assert any("a hang" in subject for subject in subjects)


def test_doctor_says_what_to_do(type_in: TypeIn, environment: Path):
    (environment / "file").write_text("")
    typed = type_in("--home", "file/home", "doctor")
    assert typed.code == 2
    assert re.search(r"✗  home +file/home can't be written: Not a directory", typed.out)
    assert re.search(r"∅  mbpp\+ +missing: harness data pull mbpp\+", typed.out)


# What the user got wrong: one line, exit 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("eval none.jsonl", "none.jsonl: can't be read: No such file"),
        ("eval torn.jsonl", "torn.jsonl:2: is not JSON"),
        ("eval empty.jsonl", "empty.jsonl: holds no sample"),
        ("eval fields.jsonl", "fields.jsonl:1: has no solution or completion, only task_id"),
        ("eval alien.jsonl", "no benchmark here has ids like Foo/0: name one with -b"),
        ("eval s.jsonl -b sanitty", "did you mean sanity?"),
        ("eval s.jsonl -b sanity,mbppp", "unknown benchmark 'mbppp': did you mean mbpp?"),
        ("eval s.jsonl --profile strikt", "unknown profile 'strikt': did you mean strict?"),
        ("eval s.jsonl -n 0", "-n: "),
        ("eval s.jsonl --limit -1", "--limit: "),
        ("eval s.jsonl --limit few", "invalid value for '-L' / '--limit'"),
        (
            "eval s.jsonl --sandbox foo",
            "--sandbox: .* 'auto', 'container', 'namespaces' or 'plain'",
        ),
        ("eval s.jsonl --home x", "--home goes before the verb: harness --home"),
        ("eval s.jsonl --frsh", r"no such option: --frsh .*--fresh.* \(see harness eval -h\)"),
        ("eval", "missing argument 'CHECKPOINT'"),
        ("evl s.jsonl", "did you mean 'eval'"),
        ("--set sandbox.wrokers=2 ls", "did you mean sandbox.workers?"),
        ("--set eval.limit ls", "write it as key=value"),
        ("--config none.toml ls", "none.toml: cannot be read"),
        ("--home file/home eval s.jsonl", "cannot write file/home/.*: Not a directory; nothing"),
        ("show last", "there are no runs in .*: `harness eval` makes one"),
        ("show last --status slow", "unknown status 'slow': there are: "),
        ("regrade last", "there are no runs"),
        ("ls run", "unknown list 'run': did you mean runs?"),
        ("data pull humanevl+", r"did you mean humaneval\+\?"),
        ("completion bsh", "did you mean bash?"),
    ],
)
def test_one_line_and_exit_2(environment: Path, type_in: TypeIn, words: str, said: str):
    write_samples(environment / "s.jsonl", num_problems=1)
    (environment / "torn.jsonl").write_text('{"task_id": "sanity/x", "solution": ""}\n{"ta\n\n')
    (environment / "empty.jsonl").write_text("")
    (environment / "fields.jsonl").write_text('{"task_id": "sanity/x"}\n')
    (environment / "alien.jsonl").write_text('{"task_id": "Foo/0", "solution": ""}\n')
    (environment / "file").write_text("")
    typed = type_in(*words.split())
    assert typed.code == 2
    assert re.search(said.replace("?", r"\?").replace(r"\\?", r"\?"), typed.complaint, re.I)
    assert not (environment / "home" / "runs").exists()


def test_names_of_a_run_get_did_you_mean(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_problems=2)
    type_in("eval", samples, "--run", "mine")
    type_in("eval", samples, "--run", "mint")
    assert "unknown run 'mime.sanity': did you mean mi" in type_in("show", "mime.sanity").complaint
    assert "ambiguous: it may be mine.sanity, mint.sanity" in type_in("show", "min").complaint
    typed = type_in("show", "mine", NAMES[1] + "s")
    assert typed.code == 2 and f"did you mean sanity/{NAMES[1]}?" in typed.complaint
    assert type_in("show", "mine", "span").code == 2  # a part of a name is no name


def test_samples_of_another_benchmark(environment: Path, type_in: TypeIn):
    (environment / "he.jsonl").write_text('{"task_id": "HumanEval/0", "solution": ""}\n')
    typed = type_in("eval", "he.jsonl", "-b", "sanity")
    assert typed.code == 2 and "try -b humaneval+" in typed.complaint


def test_a_missing_and_a_wrong_benchmark_file(
    environment: Path, type_in: TypeIn, monkeypatch: pytest.MonkeyPatch
):
    (environment / "he.jsonl").write_text('{"task_id": "HumanEval/0", "solution": ""}\n')
    missing = type_in("eval", "he.jsonl")
    assert missing.code == 2 and "`harness data pull humaneval+`" in missing.complaint
    files = environment / "files"
    files.mkdir()
    (files / "HumanEvalPlus-v0.1.10.jsonl.gz").write_bytes(b"\x1f\x8b no")
    monkeypatch.setenv("HARNESS_DATA", str(files))
    wrong = type_in("eval", "he.jsonl")
    assert wrong.code == 2 and "is not the published file" in wrong.complaint
    assert re.search(r"✗  humaneval\+ +/", type_in("data", "ls").out)


def test_pull_without_a_network(type_in: TypeIn, monkeypatch: pytest.MonkeyPatch):
    # The discard port of this machine is nobody's: the connection is refused at once.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    typed = type_in("data", "pull", "humaneval+")
    assert typed.code == 2 and ".jsonl.gz: " in typed.complaint


# What was done is kept


def test_a_full_disk_keeps_what_was_done(environment: Path, type_in: TypeIn):
    with (environment / "s.jsonl").open("w") as file:
        for problem in PROBLEMS * 4:  # short programs, so that their verdicts are what is long
            wrong = f"def {problem.entry_point}(*a): return 0"
            file.write(json.dumps({"task_id": problem.task_id, "solution": wrong}) + "\n")
    assert type_in("eval", "s.jsonl", "--run", "warm").code == 0  # the cache, that is
    verdicts = environment / "home" / "runs" / "warm.sanity" / "verdicts.jsonl"
    limit = 2 * verdicts.stat().st_size // 3
    full = subprocess.run(
        [*COMMAND, "eval", "s.jsonl", "--run", "full"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert full.returncode == 4, full.stderr
    assert re.search(
        r"^harness: cannot write .*/verdicts\.jsonl: File too large; 24 samples and 1\d verdicts "
        r"are kept; mend that, then repeat",
        full.stderr.splitlines()[-1],
    )
    again = type_in("eval", "s.jsonl", "--run", "full")
    assert re.search(r"run full\.sanity: 1\d of 24 verdicts kept", again.err)
    assert again.code == 0


def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(environment: Path, type_in: TypeIn):
    samples = environment / "slow.jsonl"
    with samples.open("w") as file:
        for problem in PROBLEMS[:4]:
            row = {"task_id": problem.task_id, "solution": NAP + problem.solution}
            file.write(json.dumps(row) + "\n")
    # With one worker, the first verdict comes seconds before the last.
    process = start("eval", samples.name, "--fresh", HARNESS_SANDBOX__WORKERS="1")
    runs, deadline = environment / "home" / "runs", time.monotonic() + 60
    while not any(path.stat().st_size for path in runs.glob("*/verdicts.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to all of the foreground
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == ""
    last = err.splitlines()[-1]
    assert last.startswith("harness: interrupted; what is recorded is kept. To go on: harness eval")
    assert "Traceback" not in err and "--fresh" not in last
    typed = type_in("eval", samples.name, "--json")
    assert re.search(r"[123] of 4 verdicts kept, [123] to do \(config unchanged\)", typed.err)
    assert run_of(typed)["by_status"] == {"passed": 4}


def test_unscored_samples_are_exit_4(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_problems=2)
    type_in("eval", samples)
    (verdicts,) = (environment / "home" / "runs").glob("*/verdicts.jsonl")
    rows = [json.loads(line) for line in verdicts.read_text().splitlines()]
    for result in rows[0]["suites"].values():
        result["status"] = Status.UNSCORED
    verdicts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = type_in("show", "last")
    assert shown.code == 0 and "unscored 1: over all samples between 50.0% and 100.0%" in shown.out
    healed = type_in("eval", samples)
    assert healed.code == 0 and "1 of 2 verdicts kept, 1 to do" in healed.err


# Help


VERBS = ["eval", "regrade", "show", "ls", "data", "data ls", "data pull", "doctor", "completion"]


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_leads_with_two_examples(type_in: TypeIn, verb: str):
    typed = type_in(*verb.split(), "-h")
    assert typed == type_in(*verb.split(), "--help")
    assert typed.code == 0 and typed.err == ""
    before_options = typed.out.partition("Options:")[0]
    # Argument tables stand between; no line of prose mentions the command.
    examples = re.findall(r"^  (?:eval \"\$\(|\w+=\S+ )?harness .*$", before_options, re.M)
    assert len(examples) == 2
    assert "--no-fresh" not in typed.out and "--no-json" not in typed.out


def test_no_verb_shows_the_help(type_in: TypeIn):
    typed = type_in()
    assert typed.code == 2 and typed.out == "" and "harness eval samples.jsonl" in typed.err


def test_help_is_quick():
    """0.4 s is promised: of the processor, since other programs may be running too."""
    times = [1.0]
    while min(times) >= 0.4 and len(times) < 10:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([*COMMAND, "--help"], capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 0
    assert min(times) < 0.4, times


# Shells, pipes, terminals


def test_bash_completes(environment: Path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.fail("this machine has no bash")
    (environment / "home/runs/mine.sanity").mkdir(parents=True)
    (environment / "home/runs/mine.sanity/config.json").write_text("{}")
    bin_folder = environment / "bin"
    bin_folder.mkdir()
    command = bin_folder / "harness"
    command.write_text(f"#!{sys.executable}\nfrom harness.cli import main\nmain()\n")
    command.chmod(0o755)
    lines = {
        "harness ev": "eval",
        "harness data p": "pull",
        "harness eval s.jsonl --prof": "--profile",
        "harness eval s.jsonl --profile st": "strict",
        "harness eval s.jsonl -b sani": "sanity sanity-unittest",
        "harness show mi": "mine.sanity",
        "harness show last --status t": "truncated timeout",
        "harness completion z": "zsh",
    }
    script = 'eval "$(harness completion bash)"\n' + "".join(
        f"COMP_WORDS=({line}); COMP_CWORD={len(line.split()) - 1}; COMPREPLY=()\n"
        '_harness_completion harness; echo "${COMPREPLY[*]}"\n'
        for line in lines
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [bash, "--norc", "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "PYTHONPATH": root},
    )
    assert (done.stdout.splitlines(), done.stderr) == (list(lines.values()), "")


@pytest.mark.parametrize(
    ("shell", "variables"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "harness ev"}),
        (
            "fish",
            {"_TYPER_COMPLETE_ARGS": "harness ev", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        ),
    ],
)
def test_zsh_and_fish_get_their_answers(
    type_in: TypeIn, shell: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    assert "_HARNESS_COMPLETE=complete_" + shell in type_in("completion", shell).out
    for name, value in (variables | {"_HARNESS_COMPLETE": f"complete_{shell}"}).items():
        monkeypatch.setenv(name, value)
    typed = type_in()
    assert "eval" in typed.out and "Grade samples" in typed.out and "regrade" not in typed.out


def test_a_reader_that_has_seen_enough(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_samples=2)
    assert type_in("eval", samples).code == 0
    for words in (["show", "last", "--failed"], ["eval", samples, "--json"]):
        process = start(*words)
        assert process.stdout and process.stderr
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        assert process.wait() == 0, err
        assert "Error" not in err and "Traceback" not in err


def test_a_terminal_gets_a_progress_line_and_colours(environment: Path, type_in: TypeIn):
    samples = write_samples(environment / "s.jsonl", num_samples=2)
    rows = [json.loads(line) for line in (environment / samples).read_text().splitlines()]
    for number, row in enumerate(rows):  # else all is done before there is anything to draw
        row["solution"] = f"import time\ntime.sleep({number / 20})\n{row['solution']}"
    (environment / samples).write_text("".join(json.dumps(row) + "\n" for row in rows))
    type_in("eval", samples, "--run", "warm")
    shown = on_terminal("eval", samples)
    assert re.search(r"\rsanity  \d+/12  \d+\.\d% .*unscored 0  eta 0:0\d", shown)
    assert "\x1b[1m" in shown
    assert "\x1b[3" not in on_terminal("show", "last", NAMES[0], NO_COLOR="1")
    dumb = on_terminal("eval", samples, "--run", "dumb", TERM="dumb")
    assert "\x1b" not in dumb and "\rsanity" not in dumb
    # A narrow terminal folds; what a row begins with stays whole.
    assert "warm.sanity" in on_terminal("ls")


def on_terminal(*words: str, **variables: str) -> str:
    """What a terminal of 80 columns is sent."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "80"} | variables,
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not chunk:
            break
        sent += chunk
    os.close(ours)
    assert process.wait() == 0
    return sent.decode()
