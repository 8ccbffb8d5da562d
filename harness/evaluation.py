"""Measure a checkpoint: read or make samples, grade them, append what is found, resume.

    run = evaluate("samples.jsonl", settings=load(...))
    print(summary(run).pass_at[1]["plus"])     # harness.summary

A run is resumed by asking for it again: what is recorded is neither made nor graded twice, and
more samples or problems extend it. Of recorded replies the order is samples first (they are what
costs), then the expected values and the ground-truth gate, then the programs, the slowest
problems first. A model's replies are graded while the next ones are written (generation.py).

Not here: what a pass is (grading/), where files lie (store.py), what a screen looks like (cli.py).
"""

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import harness
from harness import benchmarks
from harness.benchmarks import bigcodebench, bigcodebench_results, evalplus
from harness.benchmarks.data import DataFolders
from harness.config import Settings
from harness.errors import DataError, SandboxError, StorageError, UserError
from harness.generation import Notes, Pipeline, submission_of, unscored, unwritten, wanted_keys
from harness.grading import GRADER_VERSION, Judge, Profile, Twins, profile_named
from harness.isolation import choose_sandbox
from harness.models import checkpoints, engines, replay
from harness.models.protocol import Model
from harness.problem_types import of_types
from harness.records import PUBLISHED, Benchmark, EvalRun, RunConfig, Sample
from harness.store import (
    EVAL_RESULTS,
    PASS_AT_K,
    Key,
    RunInfo,
    RunWriter,
    Store,
    config_or_none,
)
from harness.summary import summary
from sandboxes.process import environment_digest
from sandboxes.protocol import Sandbox

DEMO = "fake:demo"
_RECORDED = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
"""How recorded samples end, also where there is no such file."""


class Observer(Notes):
    """What `evaluate` tells while it works. The methods do nothing; a screen overrides them."""

    def say(self, text: str) -> None:
        """Something that a person should know: once, in a line."""

    def starting(self, stage: str, elapsed_s: float) -> None:
        """A server is on its way, and where it stands. Called from another thread."""


@contextmanager
def open_model(
    source: str, *, settings: Settings, observer: Observer | None = None
) -> Generator[Model | None]:
    """The model that `source` means, for one or more calls of `evaluate`; None for recorded samples.

    A server that is started serves them all, and is gone when the block ends.

    Raises:
        UserError: it is no checkpoint, or what it needs is missing: one line.
    """
    observer = observer or Observer()
    path = Path(source)
    if source.startswith("run:"):
        source = Store(settings.home).load(source.removeprefix("run:")).config.checkpoint.source
    if source == DEMO or path.is_file() or path.name.endswith(_RECORDED):
        yield None
        return
    located = checkpoints.locate(source, cache=settings.cache, name=settings.eval.name)
    if located.checkpoint.kind == "replay":
        yield None
        return
    with engines.open_model(
        located, settings, say=observer.say, on_stage=observer.starting
    ) as model:
        yield model


def evaluate(
    source: str,
    benchmark: str | None = None,
    *,
    settings: Settings,
    name: str | None = None,
    fresh: bool = False,
    sandbox: Sandbox | None = None,
    observer: Observer | None = None,
    model: Model | None = None,
) -> EvalRun:
    """Have and grade the samples of `source` on a benchmark, in a new run or where one stopped.

    Args:
        source: a samples file or folder, a checkpoint, an endpoint (models/checkpoints.py), or
            `fake:demo` for the bundled replies to `sanity`.
        benchmark: its name; None where recorded samples' ids tell.
        name: a name for the run instead of the one that its identity gives.
        fresh: move a run of the same name aside first.
        sandbox: where programs run; None is the one that the settings lead to.
        model: who answers, opened already (`open_model`, or a model of your own).

    Raises:
        UserError: a name, a file, a setting or the home is wrong; nothing was done.
        ModelError: who answers is gone for good; what came is kept and graded.
        RunMismatch: the named run has another identity.
        EnvironmentRefused: canonical solutions fail here, so nothing is scored.
        SandboxUnavailable: no sandbox of the wanted kind can be opened here.
        SandboxError: the sandbox broke down half-way; the verdicts so far are kept.
        StorageError: the run directory can't be written; what is in it stays.
    """
    observer = observer or Observer()
    if model is None:
        with open_model(source, settings=settings, observer=observer) as opened:
            if opened is not None:
                return evaluate(
                    source,
                    benchmark,
                    settings=settings,
                    name=name,
                    fresh=fresh,
                    sandbox=sandbox,
                    observer=observer,
                    model=opened,
                )
    else:
        if benchmark is None:
            raise UserError(f"{source}: on which benchmark? Name one: -b humaneval+")
        asked = _Asked(model, settings, sandbox, observer)
        return asked.evaluate(benchmark, name=name, fresh=fresh)
    # What the user has to mend comes before what takes a while, and talks.
    recorded = (
        replay.replay_demo()
        if source == DEMO
        else replay.open_replay(Path(source), name=settings.eval.name)
    )
    problems = benchmarks.load(
        _benchmark_name(recorded, benchmark),
        data=DataFolders.from_settings(settings),
        options=settings.benchmark,
    )
    profile = profile_named(settings.grading.profile or problems.default_profile)
    isolation = choose_sandbox(
        settings,
        sandbox,
        ours_only=source == DEMO,
        environment=problems.environment,
        say=observer.say,
    )
    if isolation.note:
        observer.say(isolation.note)
    if source == DEMO and isolation.is_plain:
        recorded = replay.replay_demo(hostile=False)
        observer.say("plain isolation only: the demo's hostile replies are left out")
    found = recorded.samples(
        problems, n=settings.eval.num_samples, extraction=settings.replay.extraction
    )
    for text in _remarks(found, problems):
        observer.say(text)
    num_workers = settings.sandbox.workers or os.cpu_count() or 1
    with Judge.open(
        isolation.sandbox,
        profile,
        cache=settings.cache,
        num_workers=num_workers,
        environment=problems.environment,
    ) as judge:
        config = RunConfig(
            checkpoint=recorded.checkpoint,
            benchmark=problems.name,
            benchmark_hash=problems.hash,
            profile=profile.name,
            extraction=found.extraction,
            grader_version=GRADER_VERSION,
            environment=judge.environment,
            num_problems=len(problems),
            suites=tuple(suite.name for suite in problems.problems[0].suites),
            slices=problems.slices,
            command=command_line(),
            versions=versions(),
        )
        with _open_run(Store(settings.home), config, problems, name=name, fresh=fresh) as run:
            wanted = {problem_id for problem_id, _ in _wanted(problems, settings, n=1)}
            for sample in found.samples:
                if sample.problem_id in wanted and sample.key not in run.samples:
                    run.append_sample(sample)
            scope = {sample.key for sample in found.samples if sample.problem_id in wanted}
            owed = [key for key in run.owed if key in scope]
            _say_where_it_stands(observer, run, owed)
            _grade(run, problems, [run.samples[key] for key in owed], judge, observer)
            _say_known_failures(run, problems, judge, observer)
    return Store(settings.home).load(run.id)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A model that is to be measured, and by what."""

    model: Model
    settings: Settings
    sandbox: Sandbox | None
    observer: Observer

    def evaluate(self, benchmark: str, *, name: str | None, fresh: bool) -> EvalRun:
        """See `evaluate`."""
        settings = self.settings
        folders = DataFolders.from_settings(settings)
        problems = benchmarks.load(benchmark, data=folders, options=settings.benchmark)
        for text in _unvouched(problems):
            self.observer.say(text)
        profile = profile_named(settings.grading.profile or problems.default_profile)
        store = Store(settings.home)
        if settings.eval.generate_only:
            config = self._config(problems, profile, environment_digest())
            with _open_run(store, config, problems, name=name, fresh=fresh) as run:
                self._take_over(run, problems, () if fresh else store.runs())
                self._work(run, problems, None)
            return store.load(run.id)
        isolation = choose_sandbox(
            settings, self.sandbox, environment=problems.environment, say=self.observer.say
        )
        if isolation.note:
            self.observer.say(isolation.note)
        num_workers = settings.sandbox.workers or os.cpu_count() or 1
        with Judge.open(
            isolation.sandbox,
            profile,
            cache=settings.cache,
            num_workers=num_workers,
            environment=problems.environment,
        ) as judge:
            config = self._config(problems, profile, judge.environment)
            with _open_run(store, config, problems, name=name, fresh=fresh) as run:
                try:
                    self._take_over(run, problems, () if fresh else store.runs())
                    self._work(run, problems, judge)
                    _say_known_failures(run, problems, judge, self.observer)
                except SandboxError as error:
                    run.log(f"stopped: {error}")
                    raise
                finally:
                    _write_views(run, problems, judge)
        return store.load(run.id)

    def _config(self, problems: Benchmark, profile: Profile, environment: str) -> RunConfig:
        return RunConfig(
            checkpoint=self.model.checkpoint,
            benchmark=problems.name,
            benchmark_hash=problems.hash,
            profile=profile.name,
            extraction=self.settings.eval.extraction,
            grader_version=GRADER_VERSION,
            environment=environment,
            num_problems=len(problems),
            suites=tuple(suite.name for suite in problems.problems[0].suites),
            slices=problems.slices,
            generation=self.model.generation,
            command=command_line(),
            versions=versions() | self.model.versions,
        )

    def _take_over(self, run: RunWriter, problems: Benchmark, others: Sequence[RunInfo]) -> None:
        """Samples that another run wrote in the very same way: graded by other rules, say."""
        wanted = written_alike(run.config)
        keys = _wanted(problems, self.settings, n=self.settings.eval.num_samples or 1)
        for info in reversed(others):
            missing = unwritten(run, keys)
            if not missing or info.id == run.id:
                continue
            config = config_or_none(info.path)
            if config is None or written_alike(config) != wanted:
                continue
            samples = Store(self.settings.home).load(info.id).samples
            taken = [
                samples[key]
                for key in missing
                if key in samples and samples[key].finish_reason != "error"
            ]
            for sample in taken:
                run.append_sample(sample)
            if taken:
                self.observer.say(f"{len(taken)} samples are taken over from run {info.id}")

    def _work(self, run: RunWriter, problems: Benchmark, judge: Judge | None) -> None:
        chosen = self.settings.eval
        keys = _wanted(problems, self.settings, n=chosen.num_samples or 1)
        to_write = unwritten(run, keys)
        missing = set(to_write)
        owed = set(run.owed) - missing
        to_grade = [run.samples[key] for key in keys if key in owed] if judge else []
        self._say_what_is_owed(run, len(keys), len(to_write), len(to_grade))
        pipeline = Pipeline(
            run,
            problems,
            self.model,
            judge=judge,
            extraction=chosen.extraction,
            notes=self.observer,
        )
        if to_write or to_grade:
            pipeline.work(to_write, to_grade)

    def _say_what_is_owed(
        self, run: RunWriter, num_wanted: int, num_to_write: int, num_to_grade: int
    ) -> None:
        if not run.resumed:
            return
        if not num_to_write and not num_to_grade:
            self.observer.say(f"run {run.id} is complete: nothing to do")
            return
        self.observer.say(
            f"resuming run {run.id}: {num_wanted - num_to_write} of {num_wanted} samples kept, "
            f"{num_to_write} to write, {num_to_grade + num_to_write} to grade (config unchanged)"
        )


def _wanted(problems: Benchmark, settings: Settings, *, n: int) -> list[Key]:
    """The samples that are asked for: of one type first, if one is named, then the first so many."""
    chosen = settings.eval
    if chosen.type:
        problems = of_types(problems, chosen.type.split(","))
    return wanted_keys(problems, n=n, limit=chosen.limit)


def written_alike(config: RunConfig) -> object:
    """What samples depend on, and verdicts do not alone: equal for runs that could share them."""
    return (
        config.checkpoint.identity,
        config.benchmark_hash,
        config.benchmark,
        config.extraction,
        config.generation,
    )


def regrade(
    ref: str,
    *,
    settings: Settings,
    sandbox: Sandbox | None = None,
    observer: Observer | None = None,
) -> EvalRun:
    """Grade the recorded samples of a run again, all of them.

    Under the run's own profile the new verdicts replace the old ones in the same run; under
    another one (`grading.profile`), or with another grader or interpreter, they make a run of
    their own beside it. `sandbox` and what is raised are as in `evaluate`.
    """
    observer = observer or Observer()
    store = Store(settings.home)
    old = store.load(ref)
    problems = benchmarks.load(old.config.benchmark, data=DataFolders.from_settings(settings))
    if problems.hash != old.config.benchmark_hash:
        raise DataError(
            f"{old.config.benchmark} is not what it was when {old.id} was made: "
            f"hash {old.config.benchmark_hash[:8]} → {problems.hash[:8]}"
        )
    is_published = old.config.profile == PUBLISHED  # by nobody's rules here
    recorded = problems.default_profile if is_published else old.config.profile
    profile = profile_named(settings.grading.profile or recorded)
    is_demo = old.config.checkpoint.source == DEMO
    isolation = choose_sandbox(
        settings,
        sandbox,
        ours_only=is_demo,
        environment=problems.environment,
        say=observer.say,
    )
    if isolation.note:
        observer.say(isolation.note)
    num_workers = settings.sandbox.workers or os.cpu_count() or 1
    with Judge.open(
        isolation.sandbox,
        profile,
        cache=settings.cache,
        num_workers=num_workers,
        environment=problems.environment,
    ) as judge:
        config = old.config.model_copy(
            update={
                "profile": profile.name,
                "grader_version": GRADER_VERSION,
                "environment": judge.environment,
                "command": command_line(),
                "versions": versions(),
            }
        )
        is_same = config.identity() == old.config.identity()
        is_named = Store.run_id(config) != old.id
        name = old.id.removesuffix(f".{problems.name}") if is_same and is_named else None
        with _open_run(store, config, problems, name=name) as run:
            for sample in old.samples.values():
                if sample.key not in run.samples:
                    run.append_sample(sample)
            before = {key: verdict.status for key, verdict in run.verdicts.items()}
            lost = [s for s in run.samples.values() if s.finish_reason == "error"]
            by_id = {problem.id: problem for problem in problems}
            for sample in lost:
                why = "no reply could be had: `harness eval` asks again"
                run.append_verdict(unscored(sample, by_id[sample.problem_id], profile.name, why))
            there = [s for s in run.samples.values() if s.finish_reason != "error"]
            _grade(run, problems, there, judge, observer)
            _say_known_failures(run, problems, judge, observer)
            changed = sum(
                verdict.status != before[key]
                for key, verdict in run.verdicts.items()
                if key in before
            )
            if before:
                observer.say(f"{len(before)} verdicts graded again, {changed} changed")
    return store.load(run.id)


def _open_run(
    store: Store,
    config: RunConfig,
    problems: Benchmark,
    *,
    name: str | None,
    fresh: bool = False,
) -> RunWriter:
    """The run, opened. A home that can't be written is the user's to mend: nothing is done yet."""
    try:
        run = store.open_run(config, name=name, fresh=fresh)
        try:
            run.note_problems(benchmarks.notes(problems))
        except StorageError:
            run.close()
            raise
    except StorageError as error:
        raise UserError(str(error)) from error
    return run


def _grade(
    run: RunWriter,
    benchmark: Benchmark,
    samples: Sequence[Sample],
    judge: Judge,
    observer: Observer,
) -> None:
    """Grade samples and write the views; also when the work is cut short."""
    by_id = {problem.id: problem for problem in benchmark}
    asked = {sample.problem_id for sample in samples}
    try:
        if samples:
            judge.prepare([p for p in benchmark if p.id in asked], observer.preparing)
            submissions = [submission_of(by_id, sample) for sample in samples]
            owed = {sample.key for sample in samples}
            known = [
                (submission_of(by_id, run.samples[key]), verdict)
                for key, verdict in run.verdicts.items()
                if key not in owed and key[0] in asked
            ]
            num_owed = len(submissions)
            for verdict in judge.grade(judge.slowest_first(submissions), Twins(known)):
                run.append_verdict(verdict)
                num_owed -= 1
                observer.graded(run, verdict, num_owed)
    except SandboxError as error:
        run.log(f"stopped: {error}")
        raise
    finally:
        _write_views(run, benchmark, judge)


def _write_views(run: RunWriter, benchmark: Benchmark, judge: Judge) -> None:
    """The summary, and the results in the format of the benchmark's publisher."""
    if not run.verdicts:
        return
    recorded = EvalRun(run.id, str(run.path), run.config, run.samples, run.verdicts)
    views: dict[str, Mapping[str, object]] = {}
    match benchmark.problems[0].family:
        case "humaneval" | "mbpp":
            views[EVAL_RESULTS] = dict(evalplus.eval_results(benchmark, recorded))
        case bigcodebench.FAMILY:
            asked = {key[0] for key in run.samples}
            known = judge.known_failures(p for p in benchmark if p.id in asked)
            views[EVAL_RESULTS] = dict(bigcodebench_results.eval_results(benchmark, recorded))
            views[PASS_AT_K] = bigcodebench_results.pass_at_k(benchmark, recorded, list(known))
        case _:
            pass
    run.finish(summary(recorded).as_json(), views)


def _say_known_failures(
    run: RunWriter, benchmark: Benchmark, judge: Judge, observer: Observer
) -> None:
    """Beside every score, because these tasks count as failed, whoever answers."""
    asked = {key[0] for key in run.samples}
    known = judge.known_failures(problem for problem in benchmark if problem.id in asked)
    if known:
        causes = "; ".join(f"{task_id} ({cause})" for task_id, cause in known.items())
        tasks = "1 task" if len(known) == 1 else f"{len(known)} tasks"
        observer.say(f"not to be passed here by anybody, counted as failed: {tasks}: {causes}")


def _benchmark_name(model: replay.Replay, asked: str | None) -> str:
    name = asked or benchmarks.guess(model.task_ids)
    if name is None:
        first = ", ".join(list(model.task_ids)[:3])
        raise DataError(f"no benchmark here has ids like {first}: name one with -b")
    return name


def _remarks(found: replay.ReplaySamples, benchmark: Benchmark) -> list[str]:
    remarks = [*found.warnings, *_unvouched(benchmark)]
    if found.extraction == "harness":
        remarks.append("raw replies: code is taken out of them (--set replay.extraction=none: not)")
    if found.unknown:
        num_unknown = found.unknown.total()
        remarks.append(f"{num_unknown} samples are of no problem of {benchmark.name}: left out")
    if found.missing:
        remarks.append(f"partial: {len(found.missing)} of {len(benchmark)} problems have no sample")
    return remarks


def _unvouched(benchmark: Benchmark) -> list[str]:
    """What is to be said where there are no canonical solutions to try first."""
    without = sum(not problem.solution for problem in benchmark)
    if not without:
        return []
    return [
        f"{without} of {len(benchmark)} problems have no canonical solution: none is tried first, "
        "so nothing vouches for this environment"
    ]


def _say_where_it_stands(observer: Observer, run: RunWriter, owed: Sequence[Key]) -> None:
    num_kept = len(run.verdicts.keys() - set(owed))  # an unscored verdict is owed again
    if not run.resumed:
        return
    if not owed:
        observer.say(f"run {run.id} is complete: nothing to do")
    else:
        observer.say(
            f"resuming run {run.id}: {num_kept} of {num_kept + len(owed)} verdicts kept, "
            f"{len(owed)} to do (config unchanged)"
        )


# --- what repeats a run --------------------------------------------------------------------


def command_line() -> str:
    """What repeats the command that was typed; empty where the harness is used as a library.

    Without `--fresh`: to repeat is to resume, not to start anew.
    """
    if not sys.argv or Path(sys.argv[0]).name != "harness":
        return ""
    return shlex.join(["harness", *(word for word in sys.argv[1:] if word != "--fresh")])


def versions() -> dict[str, str]:
    """What to note beside a result: harness, interpreter, numpy, host, and git if it is there."""
    found = {
        "harness": harness.__version__,
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
        "host": platform.node(),
        "platform": platform.platform(),
    }
    source = Path(__file__).resolve().parent
    if (source.parent / ".git").exists():
        described = subprocess.run(
            ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=False,
        )
        if described.returncode == 0:
            found["git"] = described.stdout.strip()
    return found
