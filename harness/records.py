"""The records: what a problem, a sample, a verdict, a checkpoint, a run and a round are.

Everything the packages say to one another is one of these, defined once. Records that reach
the disk are frozen pydantic models and carry `schema_version`; the ones that live in memory
only (`Problem`, `Suite`, `EvalRun`) are frozen dataclasses. Rates and intervals are views of
verdicts (`stats.py`), never fields.

Not here: where records lie on disk (store.py), how a verdict is reached (grading/).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1

Value: TypeAlias = object
"""An argument or a return value of a program under test: data, never behaviour."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def content_sha256(content: object) -> str:
    """The identity of JSON-like content: sha256 of its canonical JSON, in hex."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Status(StrEnum):
    """How one suite of tests ended for one sample. Exactly one per suite."""

    PASSED = "passed"
    WRONG_ANSWER = "wrong_answer"
    EXCEPTION = "exception"
    SYNTAX_ERROR = "syntax_error"
    NO_CODE = "no_code"
    TRUNCATED = "truncated"
    """A failure whose reply was cut by the token limit. A cut reply that passes has passed."""
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    FORBIDDEN = "forbidden"
    FAILED = "failed"
    """It failed, and who published it does not say how. Only in imported runs."""
    UNSCORED = "unscored"
    """We failed, not the model: excluded from every rate, counted aloud, tried again."""


def task_id_of(problem_id: str, benchmark: str) -> str:
    """The publisher's own id in a problem's: what a person reads where the benchmark is named.

    >>> task_id_of("sanity/sanity/add", "sanity"), task_id_of("jsonl:a/b.jsonl/x/y", "jsonl:a/b.jsonl")
    ('sanity/add', 'x/y')
    """
    return problem_id.removeprefix(f"{benchmark}/")


Split = Literal["steer", "holdout"]


@dataclass(frozen=True, slots=True)
class Suite:
    """One named set of tests: calls that are made, texts for standard input, or a unittest file."""

    name: str
    """`base` or `plus`, or `public` or `private`; each holds its own inputs alone."""
    inputs: Sequence[tuple[Value, ...]]
    """The arguments of each call; with `stdio` one text, which the program finds on its input."""
    expected: Sequence[Value] | None = None
    """What each call must return, or print; None where the canonical solution says so."""
    unittest: str = ""
    """The text of a unittest file with a class `TestCases`; then there are no inputs."""
    methods: tuple[str, ...] = ()
    """The test methods of that class, in the order in which unittest runs them."""
    stdio: bool = False
    """Programs are run whole, once an input, and judged by what they write to standard output."""

    @property
    def kind(self) -> Literal["calls", "unittest", "stdio"]:
        return "unittest" if self.unittest else "stdio" if self.stdio else "calls"

    def __len__(self) -> int:
        return len(self.methods) if self.unittest else len(self.inputs)


@dataclass(frozen=True)
class Problem:
    """One problem of one benchmark: what is asked, and what is tested.

    `sha256` covers the prompt, the entry point, the canonical solution, the tests and the
    comparison rules, but neither types nor split: identity is content.
    """

    id: str
    """`<benchmark>/<the publisher's task id>`, as in `humaneval+/HumanEval/3`."""
    task_id: str
    """The publisher's own id, as in `HumanEval/3`."""
    prompt: str
    entry_point: str
    """The function that tests call; empty where the program is run as a whole."""
    solution: str
    """The canonical solution: a whole program. Empty where its publisher gives none; then every
    suite says what is expected."""
    suites: tuple[Suite, ...]
    sha256: str
    atol: float = 0.0
    """Absolute tolerance that the publisher states for this problem."""
    family: str = "jsonl"
    """Whose rules the problem was written for: `humaneval`, `mbpp`, `bigcodebench`, `livecodebench`
    or `jsonl`."""
    preamble: str = ""
    """What a calibrated evaluation puts before every answer."""
    completed: str | None = None
    """What a completion goes on from; None: the prompt."""
    is_instruction: bool = False
    """The prompt is a task in words, not code that is to be completed."""
    known_failure: str = ""
    """Why the canonical solution fails in its environment, where that is known and borne."""
    about_s: float = 0.0
    """How long the canonical solution takes, where it is known to be long: it is begun early."""
    truth_sha256: str = ""
    """Of solution and tests alone, where problems differ in what is asked; empty: `sha256`."""
    types: tuple[str, ...] = ()
    split: Split | None = None
    release_date: str | None = None
    slices: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The groups that its publisher reports apart, as in `{"difficulty": ("easy",)}`. No part of
    its identity."""

    @property
    def asks_for_program(self) -> bool:
        """Whether an answer is a program in a form of its own, not one that must define the entry
        point at its top level."""
        return not self.entry_point or self.family == "livecodebench"

    @property
    def truth_key(self) -> str:
        """Equal for problems that have the same expected values."""
        return self.truth_sha256 or self.sha256

    def suite(self, name: str) -> Suite:
        for suite in self.suites:
            if suite.name == name:
                return suite
        raise KeyError(name)


@dataclass(frozen=True)
class Benchmark:
    """Problems in the publisher's order, under one name and one content hash."""

    name: str
    """The name that users type: `humaneval+`, `mbpp`, `sanity`, `jsonl:path`."""
    hash: str
    """The publisher's hash where there is one (EvalPlus: md5 of the file), else sha256."""
    problems: tuple[Problem, ...]
    default_profile: str
    version: str = ""
    environment: str = "python"
    """What its programs run on: see `protocol.Sandbox`."""
    left_out: frozenset[str] = frozenset()
    """Task ids of problems that its publisher has and its name leaves out, as by a window."""

    @cached_property
    def by_task_id(self) -> Mapping[str, Problem]:
        return {problem.task_id: problem for problem in self.problems}

    @cached_property
    def slices(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Of what its problems are: kind → group → the problems' ids, in the publisher's order."""
        found: dict[str, dict[str, list[str]]] = {}
        for problem in self.problems:
            for kind, groups in problem.slices.items():
                for group in groups:
                    found.setdefault(kind, {}).setdefault(group, []).append(problem.id)
        return {
            kind: {group: tuple(ids) for group, ids in groups.items()}
            for kind, groups in found.items()
        }

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)


class Record(BaseModel):
    """Base of all that reaches the disk: frozen, and strict about unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Sample(Record):
    """One reply to one problem, and the code found in it."""

    schema_version: int = SCHEMA_VERSION
    problem_id: str
    index: int = Field(ge=0)
    """Number of the sample among those of its problem, from 0."""
    code: str
    """The whole program that is graded."""
    reply: str | None = None
    """What the model wrote, where it is known and differs from `code`."""
    thinking: str | None = None
    """Marked thinking text, taken out of the reply before extraction."""
    prompt_sha256: str | None = None
    finish_reason: Literal["stop", "length", "error"] | None = None
    """`error`: no reply could be had, which is our failure. It is owed again, never graded."""
    num_tokens_in: int | None = None
    num_tokens_out: int | None = None
    elapsed_s: float | None = None
    seed: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        return self.problem_id, self.index


class Failure(Record):
    """The first test that failed: Python literals, each cut to a few hundred characters."""

    test: int | None
    """Number of the test in its suite, from 0; None where a published file does not say."""
    input: str
    expected: str
    got: str


class SuiteResult(Record):
    """The outcome of one suite. The counts are None where a published file lacks them."""

    status: Status
    num_tests: int | None
    """Tests in the suite."""
    num_run: int | None
    """Tests that gave an answer or an exception; fewer than `num_tests` after a failure."""
    num_passed: int | None
    failure: Failure | None = None


class Verdict(Record):
    """What the judge says of one sample: one outcome a suite, and the evidence."""

    schema_version: int = SCHEMA_VERSION
    problem_id: str
    index: int
    suites: dict[str, SuiteResult]
    stderr: str = ""
    """Tail of standard error, or the reason why the sample is unscored."""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    level: str = ""
    """How the program was isolated: `container`, `namespaces` or `plain`."""
    same_as: int | None = None
    """Index of the sample of this problem whose program is equal to the byte: that one was run, and
    this is its verdict; no time was spent here."""
    flags: tuple[str, ...] = ()
    """Signs of tampering that the profile tells of and does not hold against the program."""
    profile: str
    grader_version: str

    @property
    def key(self) -> tuple[str, int]:
        return self.problem_id, self.index

    @property
    def scored(self) -> bool:
        return bool(self.suites) and all(
            result.status != Status.UNSCORED for result in self.suites.values()
        )

    @property
    def passed(self) -> bool:
        """All suites passed. `plus` on screens means this: base and plus together."""
        return bool(self.suites) and all(
            result.status == Status.PASSED for result in self.suites.values()
        )

    @property
    def status(self) -> Status:
        """PASSED, or the status of the first suite that did not pass; UNSCORED wins."""
        if not self.scored:
            return Status.UNSCORED
        for result in self.suites.values():
            if result.status != Status.PASSED:
                return result.status
        return Status.PASSED


class Checkpoint(Record):
    """Who answered. Identity is content: two names of the same bytes are one checkpoint."""

    kind: Literal["replay", "model", "adapter", "endpoint", "published"]
    name: str
    """The name on screens and on the board; runs of one name are one row."""
    source: str
    """What the user typed: a path, a repository, a URL."""
    identity: str
    """sha256 of the contents: for a replay, of the samples file; for a model, of weights,
    tokenizer, chat template and configuration; for an endpoint, of its URL and model; for a
    published file of verdicts, of its text."""
    revision: str | None = None
    """The commit of a repository, as it was resolved."""
    base: str | None = None
    """What an adapter sits on, with its revision."""


class Generation(Record):
    """How samples are written: what replies depend on besides checkpoint and problem."""

    engine: Literal["vllm", "local", "endpoint", "fake"]
    dtype: str | None = None
    quantization: str | None = None
    prompt_form: str
    """`base`, `prefill`, `plain` or `messages`: see prompts.py."""
    system: str | None = None
    think_marks: tuple[str, str] | None = None
    max_tokens: int
    """Of a reply, thinking included."""
    max_model_len: int | None = None
    """Prompt and reply together; a reply may get less than `max_tokens` for it."""
    temperature: float
    top_p: float
    seed: int
    """Of the run; each sample's own seed is made of it, the problem and the sample's number."""
    extra: dict[str, str] = Field(default_factory=dict)
    """Further parameters of requests, as in `reasoning_effort`."""

    def identity_fields(self) -> dict[str, str]:
        fields: dict[str, object] = self.model_dump(mode="json")
        return {name: str(value) for name, value in fields.items() if value not in (None, {})}


PUBLISHED = "published"
"""The profile of imported runs: somebody else's verdicts, by rules that they chose."""


class ProblemNote(Record):
    """What a run notes of one problem, so that it can be compared without the benchmark's file."""

    sha256: str
    """Of what is asked and tested: `Problem.sha256`."""
    type: str | None = None
    """Its type when it was measured; None where the benchmark had none."""


class ProblemNotes(Record):
    """`problems.json` of a run directory. Runs that are older than this file lack it."""

    schema_version: int = SCHEMA_VERSION
    problems: dict[str, ProblemNote]
    """By problem ID."""


class RunConfig(Record):
    """`config.json` of a run directory: everything that its verdicts depend on, and more.

    `identity()` covers what verdicts depend on. The rest (`created`, `command`, `versions`)
    is there to be read and may differ between two starts of one run.
    """

    schema_version: int = SCHEMA_VERSION
    checkpoint: Checkpoint
    benchmark: str
    benchmark_hash: str
    profile: str
    extraction: str
    """How code was taken from replies: `none`, `harness` or `evalplus`."""
    grader_version: str
    environment: str
    """Digest of what programs run on: Python and numpy versions, image."""
    num_problems: int
    """Problems in the benchmark, also when fewer were asked for."""
    suites: tuple[str, ...]
    slices: dict[str, dict[str, tuple[str, ...]]] = Field(
        default_factory=dict[str, dict[str, tuple[str, ...]]]
    )
    """What is reported apart: kind → group → ids of problems. For the reader, not for identity."""
    generation: Generation | None = None
    """How the samples are written; None where they were recorded already."""
    created: datetime = Field(default_factory=utc_now)
    command: str = ""
    """The command that repeats the run."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Harness, Python, numpy, git revision, host: for the reader, not for identity."""

    IDENTITY_FIELDS: ClassVar[tuple[str, ...]] = (
        "benchmark",
        "benchmark_hash",
        "profile",
        "extraction",
        "grader_version",
        "environment",
    )

    def identity_fields(self) -> dict[str, str]:
        fields = {name: str(getattr(self, name)) for name in self.IDENTITY_FIELDS}
        written = self.generation.identity_fields() if self.generation else {}
        return fields | written | {"checkpoint": self.checkpoint.identity}

    def identity(self) -> str:
        return content_sha256(self.identity_fields())


class Weakness(Record):
    """What a checkpoint's verdicts say of one problem type; a view, kept in plans and rounds."""

    schema_version: int = SCHEMA_VERSION
    type: str
    num_problems: int
    """Problems with at least one scored sample."""
    num_samples: int
    """Scored samples."""
    rate: float
    """Mean over problems of the share of samples that passed all suites, in [0, 1]."""
    low: float
    """Ends of the 90 % interval of `rate`."""
    high: float
    shrunk: float
    """The rate drawn towards that over all types: what rules are applied to."""
    commonest_status: Status | None
    """Of the samples that failed; None where none did."""
    enough: bool
    """False: too little was seen for this type to trigger anything alone."""


class Measured(Record):
    """A number as it stood when something was decided on it, with its 95 % interval."""

    value: float
    low: float
    high: float
    num_problems: int


Decision = Literal["promoted", "rejected", "inconclusive"]


class Round(Record):
    """`round.json`: one turn of the loop. What was measured, made, trained and decided.

    The runs, the dataset and the checkpoints are records of their own; here are their names, and
    the numbers that the decision was made on.
    """

    schema_version: int = SCHEMA_VERSION
    loop: str
    number: int = Field(ge=1)
    """Of the round in its loop."""
    arm: str = ""
    """The rule that divided the budget, as in `failure` or `uniform`."""
    parent: Checkpoint
    child: Checkpoint | None = None
    """None where nothing came out of the training."""
    runs_before: tuple[str, ...] = ()
    """IDs of the runs of the parent that the round began with."""
    runs_after: tuple[str, ...] = ()
    """IDs of the runs of the child."""
    dataset: str | None = None
    """sha256 of the manifest of what was trained on."""
    quotas: dict[str, int] = Field(default_factory=dict)
    """Rows by problem type, as planned."""
    method: Literal["sft", "rl", "pretrain", "merge"]
    before: Measured
    """pass@1 of the parent on the hold-out split."""
    after: Measured | None = None
    """The same of the child."""
    difference: Measured | None = None
    """Paired, child minus parent, on the problems that both solved."""
    p_value: float | None = None
    decision: Decision
    reason: str = ""
    """Why, in one sentence."""
    created: datetime = Field(default_factory=utc_now)


@dataclass(frozen=True)
class EvalRun:
    """One checkpoint on one benchmark: its configuration, its samples and its verdicts.

    Every sample is in exactly one bucket: scored + unscored = len(run), where a sample
    without a verdict counts as unscored (it is owed).
    """

    id: str
    path: str
    config: RunConfig
    samples: Mapping[tuple[str, int], Sample]
    verdicts: Mapping[tuple[str, int], Verdict] = field(
        default_factory=dict[tuple[str, int], Verdict]
    )
    problems: Mapping[str, ProblemNote] = field(default_factory=dict[str, ProblemNote])
    """What was noted of each problem; empty for runs that noted nothing."""

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts.values())

    def __getitem__(self, problem_id: str) -> tuple[Verdict, ...]:
        """The verdicts of one problem, by sample index."""
        found = sorted(key for key in self.verdicts if key[0] == problem_id)
        if not found:
            raise KeyError(problem_id)
        return tuple(self.verdicts[key] for key in found)

    @property
    def num_scored(self) -> int:
        return sum(verdict.scored for verdict in self)

    @property
    def num_unscored(self) -> int:
        return len(self) - self.num_scored


# --- what is trained on --------------------------------------------------------------------


class TrainingRow(Record):
    """One line of a dataset's `rows.jsonl`: a verified problem, its solution and where it is from.

    Every field has one type in every row, so that `datasets.load_dataset("json", …)` reads the
    file as it is. `harness.datasets.problem_of` makes a Problem of it.
    """

    schema_version: int = SCHEMA_VERSION
    id: str
    """Unique in its dataset, and the same wherever the same task is made again."""
    type: str
    """The problem type that was asked for, by its name in the taxonomy."""
    family: str
    """The template that it is an instance of."""
    level: int
    """Difficulty, from 1."""
    form: str
    """How the problem is put: `docstring`, `sentence` or `stdio`."""
    prompt: str
    entry_point: str
    """The function that is asked for; empty where the form is `stdio`."""
    solution: str
    """A whole program that passes the tests: it ran in the sandbox."""
    style: str
    """How the solution is written, as in `loop` or `library`."""
    tests: tuple[str, ...]
    """Expressions with literals, as in `add(1, 2) == 3`. Where the form is `stdio` the program is
    called `run`, from standard input to standard output: `run("1 2\\n") == "3\\n"`."""
    signature: str
    """Of what the task means: rows with one signature are the same task."""
    seed_id: str
    """What the teacher made it of: a seed, or the ID of a seed program."""
    teacher: str
    """`<name>@<version>` of who wrote it."""
    plan: str
    """sha256 of the plan that asked for it."""
    parent: str = ""
    """The dataset that it was taken over from, where it is a replayed row."""


Rule = Literal["failure", "learnability", "uniform", "shuffled", "thompson", "cost"]
"""How a budget is divided among types (generators/plan.py)."""
Route = Literal["generate", "easier", "review", "unproven"]
"""What is made of a type: rows at its level; easier ones, since almost none is solved; a few harder
ones, since almost all are; rows as of an average type, since too little was seen of it."""


class Quota(Record):
    """How many rows of one type, and why."""

    type: str
    num_rows: int
    level: int
    route: Route
    weight: float
    """What the rule gives the type, before floor and cap."""
    reason: str
    """In words."""


class Uncovered(Record):
    """A type, or a domain of libraries, that the model fails and that the teacher can't write."""

    type: str
    share_of_failures: float
    """Of all failures of the runs, in [0, 1]."""
    reason: str
    """What was seen of it, in words."""


class DataPlan(Record):
    """What rows to make: a quota a type, and all that it was a function of."""

    schema_version: int = SCHEMA_VERSION
    rule: Rule
    budget: int
    """Rows of the dataset, replayed ones among them."""
    seed: int
    teacher: str
    """`<name>@<version>` of who shall write them."""
    quotas: tuple[Quota, ...]
    """The largest first."""
    num_replay: int = 0
    """Rows that are taken over from the parents."""
    parents: tuple[str, ...] = ()
    """Datasets of the rounds before, the last one first: rows must not repeat theirs."""
    uncovered: tuple[Uncovered, ...] = ()
    """Types and domains of libraries that the teacher can't write, the largest share of the failures
    first. A task of several domains counts in each."""
    weaknesses: tuple[Weakness, ...] = ()
    """The recorded numbers that the quotas follow from; empty where they were typed by hand."""
    runs: tuple[str, ...] = ()
    """The runs that the numbers are of."""
    exploration: float = 0.0
    """Share of the budget that is divided equally, whatever the numbers say."""
    cap: float = 0.0
    """Most that a type may get, in equal shares; 0 is no cap."""

    @property
    def sha(self) -> str:
        return content_sha256(self.model_dump(mode="json"))


class Manifest(Record):
    """What a dataset is: rows, where they are from, and what was kept out. No times, no machine:
    the same request gives the same manifest."""

    schema_version: int = SCHEMA_VERSION
    sha256: str
    """Of `rows.jsonl`, to the byte."""
    request: str
    """sha256 of all that the rows are a function of: plan, teacher, index, parents, rules."""
    plan: str
    """sha256 of the plan, which lies beside it as plan.json."""
    teacher: str
    """`<name>@<version>`."""
    seed: int
    num_rows: int
    rows_by_type: dict[str, int]
    wanted_by_type: dict[str, int]
    """The quotas; a type that stays below its own is exhausted, or rejected too often."""
    rows_by_level: dict[str, int]
    rows_by_form: dict[str, int]
    rows_by_style: dict[str, int]
    num_replayed: int = 0
    """Rows taken over from the parents."""
    proposed_by_type: dict[str, int]
    """What the teacher wrote: accepted new rows, rejected and quarantined ones together."""
    rejected: dict[str, int]
    """By reason, from the first that was found."""
    quarantined: int
    """Rows that behave like a benchmark problem: kept aside in quarantine.jsonl, not trained on."""
    contamination: dict[str, int]
    """Rows that matched an evaluation problem, by level: exact, ngram, ast, behav, synthetic."""
    ast_curve: dict[str, int]
    """Rows whose code is at least this similar to a benchmark's solution, by threshold."""
    index: str
    """Hash of the index of evaluation problems that rows were held against."""
    guarded: dict[str, int]
    """The benchmarks in that index, with their problems."""
    parents: tuple[str, ...] = ()
    """Datasets whose rows these must not repeat, and from which rows are replayed."""

    @property
    def sha(self) -> str:
        """The identity of the dataset, which its folder is called by."""
        return content_sha256(self.model_dump(mode="json"))
