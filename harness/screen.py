"""What a person sees in the terminal: the progress line, the end screen, the lists.

Standard output gets results, standard error gets talk. On a terminal the progress line is
redrawn in place; elsewhere it is printed every ten seconds. Rates are fractions everywhere
and become percent here alone.

On a terminal tables are fitted to its width; elsewhere a row is a line, for grep and cut.
"""

import json
import os
import shlex
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from harness.benchmarks.data import FileState, Pulled
from harness.config import DisplaySettings
from harness.determinism import Determinism
from harness.doctor import Finding
from harness.evaluation import Observer
from harness.grading import Progress
from harness.queries import RunRow
from harness.records import PUBLISHED, EvalRun, Sample, Status, Verdict
from harness.stats import MIN_EVENTS, Estimate, estimate_pass_at_k
from harness.store import RunWriter
from harness.summary import Summary, rate_as_json, summary

_EVERY_S = 10.0
_REDRAW_S = 0.2
_ANY_WIDTH = 100_000
_LOPSIDED = 0.01
"""From here on an interval is written with its ends: ± would claim values that it excludes."""
_Result = TypeVar("_Result")

MARKS: Mapping[Status, str] = {
    Status.PASSED: "✓",
    Status.TIMEOUT: "◷",
    Status.UNSCORED: "∅",
}


class _Console(Console):
    """Goes on in silence when its reader has seen enough: the exit code still counts."""

    def __init__(self, *, no_color: bool | None, force_terminal: bool | None, stderr: bool) -> None:
        # Programs may hold `:key:`, which rich would take for the name of an emoji.
        super().__init__(
            stderr=stderr,
            no_color=no_color,
            force_terminal=force_terminal,
            highlight=False,
            emoji=False,
        )
        if not self.is_terminal:
            self.width = _ANY_WIDTH

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)

    def print_table(self, table: Table) -> None:
        if self.is_terminal:
            self.print(table)
            return
        with self.capture() as rendered:
            self.print(table)
        for line in rendered.get().splitlines():
            self.print(line.rstrip(), markup=False, soft_wrap=True)


class Screen(Observer):
    """Talks while the harness works, and shows what came of it.

    `command` is what the commands that it proposes begin with, as in `harness --home DIR`.
    """

    def __init__(self, display: DisplaySettings, command: str = "harness") -> None:
        color = {"always": True, "never": False, "auto": None}[display.color]
        no_color = True if display.color == "never" else None
        self._out = _Console(no_color=no_color, force_terminal=color or None, stderr=False)
        self._err = _Console(no_color=no_color, force_terminal=None, stderr=True)
        self._redraws = self._err.is_terminal and not self._err.is_dumb_terminal
        self._quiet = display.verbosity == "quiet"
        self._verbose = display.verbosity == "verbose"
        self._command = command
        self._line = ""
        self._drawn_at = 0.0 if self._redraws else time.monotonic()
        self._graded_at: deque[float] = deque([time.monotonic()], maxlen=30)
        self._num_unwritten = 0
        self._written: deque[tuple[float, int]] = deque(maxlen=200)
        """When the last samples came, and their tokens."""

    # --- talk ------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        if not self._quiet:
            self._clear()
            self._err.print(text, markup=False, soft_wrap=True)

    def watch(self, work: Callable[[], _Result]) -> _Result:
        """Run something that draws progress lines, and leave the terminal clean after it."""
        try:
            return work()
        finally:
            self._clear()

    def preparing(self, progress: Progress) -> None:
        self._graded_at.clear()
        self._graded_at.append(time.monotonic())
        if progress.done:
            self._progress(f"{progress.stage}  {progress.done}/{progress.total}")

    def downloading(self, name: str, num_bytes: int, total: int | None) -> None:
        of_total = f" of {total / 1e6:.1f}" if total else ""
        self._progress(f"{name}  {num_bytes / 1e6:.1f}{of_total} MB")

    def starting(self, stage: str, elapsed_s: float) -> None:
        if elapsed_s > 1:
            self._progress(f"vLLM  {stage}  {elapsed_s:.0f} s")

    def written(self, run: RunWriter, sample: Sample, num_unwritten: int) -> None:
        self._num_unwritten = num_unwritten
        self._written.append((time.monotonic(), sample.num_tokens_out or 0))
        if not self._is_due():
            return
        total = len(run.samples) + num_unwritten
        self._progress(
            f"{run.config.benchmark}  written {len(run.samples)}/{total}  "
            f"graded {len(run.verdicts)}  {self._tokens_a_second()}"
        )

    def _tokens_a_second(self) -> str:
        if len(self._written) < 2:
            return ""
        elapsed_s = self._written[-1][0] - self._written[0][0]
        rate = sum(tokens for _, tokens in list(self._written)[1:]) / max(elapsed_s, 0.01)
        return f"{rate / 1000:.1f}k tok/s" if rate >= 1000 else f"{rate:.0f} tok/s"

    def graded(self, run: RunWriter, verdict: Verdict, num_owed: int) -> None:
        self._graded_at.append(time.monotonic())
        if self._verbose:
            mark = MARKS.get(verdict.status, "✗")
            self.say(f"{mark} {verdict.problem_id} #{verdict.index}: {verdict.status.value}")
        if not self._is_due():
            return
        scored = [verdict for verdict in run.verdicts.values() if verdict.scored]
        counts: Counter[str] = Counter(verdict.problem_id for verdict in scored)
        passed: Counter[str] = Counter(v.problem_id for v in scored if v.passed)
        rate = estimate_pass_at_k([(n, passed[problem]) for problem, n in counts.items()], 1)
        # The slowest problems come first: the pace of late is the better guess.
        each_s = (self._graded_at[-1] - self._graded_at[0]) / len(self._graded_at)
        num_unscored = len(run.verdicts) - len(scored)
        total = len(run.samples) + self._num_unwritten
        writing = f"{self._tokens_a_second()}  " if self._num_unwritten else ""
        self._progress(
            f"{run.config.benchmark}  {total - num_owed}/{total}  {_percent(rate)}  "
            f"unscored {num_unscored}  {writing}eta {_clock(each_s * num_owed)}"
        )

    def _is_due(self) -> bool:
        pause_s = _REDRAW_S if self._redraws else _EVERY_S
        return time.monotonic() - self._drawn_at >= pause_s

    def _progress(self, line: str) -> None:
        if self._quiet or not self._is_due():
            return
        self._drawn_at = time.monotonic()
        if self._redraws:
            width = self._err.width - 1
            self._err.file.write("\r" + line[:width].ljust(len(self._line)))
            self._err.file.flush()
            self._line = line[:width]
        else:
            self._err.print(line, markup=False, soft_wrap=True)

    def _clear(self) -> None:
        if self._line:
            self._err.file.write("\r" + " " * len(self._line) + "\r")
            self._err.file.flush()
            self._line = ""

    # --- results ---------------------------------------------------------------------------

    def written_runs(self, runs: Sequence[EvalRun], as_json: bool) -> None:
        """The end of `--generate-only`: where the samples are, and what grades them."""
        if as_json:
            rows = [{"run": r.id, "samples": len(r), "path": r.path} for r in runs]
            self.json({"runs": rows})
            return
        for run in runs:
            self._out.print(
                f"{run.config.benchmark}  {len(run)} samples written, none graded\n{run.path}\n"
                f"next: {self._command} regrade {shlex.quote(run.id)}",
                markup=False,
                soft_wrap=True,
            )

    def show(self, *renderables: RenderableType) -> None:
        """Results of any kind, on standard output: what a verb's own package has laid out."""
        for renderable in renderables:
            if isinstance(renderable, Table):
                self._out.print_table(renderable)
            else:
                text = _printable(renderable) if isinstance(renderable, str) else renderable
                self._out.print(text, markup=False, soft_wrap=True)

    def progress(self, line: str) -> None:
        """Where long work stands: redrawn in place, or a line now and then without a terminal."""
        self._progress(line)

    def json(self, content: object) -> None:
        text = json.dumps(content, default=_plain, ensure_ascii=False)
        self._out.print(text.encode("utf-8", "replace").decode(), markup=False, soft_wrap=True)

    def runs(self, runs: Sequence[EvalRun], more: Mapping[str, Table] | None = None) -> None:
        """The end screen: one row a run, where the records are, and what to type next.

        `more` has a table for a run, by its id: the one by problem type.
        """
        summaries = [summary(run) for run in runs]
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in ("benchmark", "suite", "k", "score, 95%", "problems", "samples", "unscored"):
            table.add_column(
                column, justify="left" if column in ("benchmark", "suite") else "right"
            )
        for found in summaries:
            self._add_rows(table, found)
        self._out.print_table(table)
        for found in summaries:
            config = found.run.config
            ranked = sorted(found.by_status.items(), key=lambda pair: -pair[1])
            by_status = "  ".join(f"{status.value} {count}" for status, count in ranked)
            levels = ", ".join(sorted({verdict.level for verdict in found.run if verdict.level}))
            where = f"{levels} · {_cpu(found.cpu_s)}"
            if config.profile == PUBLISHED:
                where = "sampling, isolation, times and versions unknown"
            self._out.print(
                f"\n{config.checkpoint.name} · {config.benchmark} · profile {config.profile} · "
                f"{where}\n{by_status}\n{found.run.path}",
                markup=False,
                soft_wrap=True,
            )
            self._say_unscored_bounds(found)
            if found.rough:
                self._out.print(
                    f"few problems tell passes from failures here (n·p below {MIN_EVENTS}): "
                    f"the interval of {', '.join(found.rough)} is likely too narrow",
                    markup=False,
                )
            if more and found.run.id in more:
                self._out.print()
                self._out.print_table(more[found.run.id])
        failed = [found.run.id for found in summaries if _has_failures(found)]
        proposals = [f"{self._command} show {shlex.quote(run_id)} --failed" for run_id in failed]
        proposals.append(f"{self._command} ls")
        self._out.print("\nnext: " + "\n      ".join(proposals), markup=False, soft_wrap=True)

    def _add_rows(self, table: Table, found: Summary) -> None:
        config = found.run.config
        partial = found.num_problems < config.num_problems
        problems = (
            f"{found.num_problems} of {config.num_problems}" if partial else str(found.num_problems)
        )
        if not found.pass_at:
            table.add_row(
                config.benchmark,
                "",
                "",
                "nothing scored",
                problems,
                str(len(found.run)),
                str(found.run.num_unscored),
            )
        for k, by_suite in found.pass_at.items():
            for suite, estimate in by_suite.items():
                table.add_row(
                    config.benchmark,
                    suite,
                    str(k),
                    _percent(estimate),
                    problems,
                    str(len(found.run)),
                    str(found.run.num_unscored),
                )

    def _say_unscored_bounds(self, found: Summary) -> None:
        """What the score would be if all unscored samples had failed, or passed."""
        num_unscored, num_scored = found.run.num_unscored, found.run.num_scored
        if not num_unscored or not num_scored:
            return
        num_passed = sum(verdict.passed for verdict in found.run if verdict.scored)
        total = num_scored + num_unscored
        low, high = num_passed / total, (num_passed + num_unscored) / total
        self._out.print(
            f"unscored {num_unscored}: over all samples between {low:.1%} and {high:.1%}",
            markup=False,
        )

    def verdicts(self, run: EvalRun, verdicts: Sequence[Verdict]) -> None:
        """One line a verdict: mark, problem, suite, status, the first failed test."""
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for verdict in verdicts:
            name = verdict.problem_id.partition("/")[2]
            sample = f"{name} #{verdict.index}" if verdict.index else name
            table.add_row(
                MARKS.get(verdict.status, "✗"),
                escape(sample),
                verdict.status.value,
                escape(_printable(_why(verdict), one_line=True)),
            )
        if verdicts:
            self._out.print_table(table)
        self._out.print(f"{len(verdicts)} of {len(run)} samples", markup=False)
        if verdicts:
            name = verdicts[0].problem_id.partition("/")[2]
            self._out.print(
                f"next: {self._command} show {shlex.quote(run.id)} {shlex.quote(name)}",
                markup=False,
                soft_wrap=True,
            )

    def problem(self, run: EvalRun, verdicts: Sequence[Verdict]) -> None:
        """One problem: each sample's code, and what the judge saw."""
        for verdict in verdicts:
            sample = run.samples[verdict.key]
            status = verdict.status
            self._out.print(
                f"{MARKS.get(status, '✗')} {verdict.problem_id} #{verdict.index}: {status.value}",
                style="bold",
                markup=False,
            )
            code = _printable(sample.code)
            if self._out.is_terminal:
                self._out.print(Syntax(code, "python", background_color="default", word_wrap=True))
            else:
                self._out.print(code, markup=False, soft_wrap=True)
            for suite, result in verdict.suites.items():
                counts = (
                    "how many tests it passed is not published"
                    if result.num_tests is None
                    else f"{result.num_passed} of {result.num_tests} tests passed"
                )
                self._out.print(f"{suite}: {result.status.value}, {counts}", markup=False)
                if result.failure is not None:
                    failure = result.failure
                    for label, text in (
                        ("test" if failure.test is None else f"test {failure.test}", failure.input),
                        ("expected", failure.expected),
                        ("got", failure.got),
                    ):
                        self._out.print(
                            f"  {label:>9}  {_printable(text)}", markup=False, soft_wrap=True
                        )
            if verdict.stderr.strip():
                self._out.print(
                    _printable(verdict.stderr.strip()), markup=False, soft_wrap=True, style="dim"
                )
            self._out.print(
                f"{_spent(verdict)}profile {verdict.profile}\n",
                markup=False,
            )

    def run_rows(self, rows: Sequence[RunRow], as_json: bool) -> None:
        if as_json:
            self.json(
                [
                    {
                        **_plain_dict(row),
                        "pass@1": {suite: rate_as_json(e) for suite, e in row.pass_at_1.items()},
                    }
                    for row in rows
                ]
            )
            return
        if not rows:
            self.say(f"no runs here yet: {self._command} eval samples.jsonl")
            return
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("run", overflow="fold", min_width=20)
        table.add_column("profile", overflow="fold")
        for column in ("pass@1, 95%", "samples", "unscored", "written"):
            table.add_column(column, no_wrap=True)
        narrow = self._out.is_terminal
        between, time = ("\n", "%d %b %H:%M") if narrow else ("  ", "%Y-%m-%d %H:%M")
        for row in rows:
            rates = between.join(f"{suite} {_percent(e)}" for suite, e in row.pass_at_1.items())
            table.add_row(
                escape(row.run),
                row.profile,
                rates or "–",
                str(row.num_samples),
                str(row.num_unscored),
                f"{row.modified.astimezone():{time}}",
            )
        self._out.print_table(table)

    def pulled(self, pulled: Sequence[Pulled]) -> None:
        for file in pulled:
            done = "fetched to" if file.fetched else "is here already:"
            self._out.print(f"{file.name} {done} {file.path}", markup=False, soft_wrap=True)

    def names(self, names: Sequence[str], as_json: bool) -> None:
        if as_json:
            self.json(names)
        else:
            for name in names:
                self._out.print(name, markup=False)

    def files(self, states: Sequence[FileState], as_json: bool) -> None:
        if as_json:
            self.json([state._asdict() for state in states])
            return
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for state in states:
            where = "missing" if state.path is None else str(state.path)
            mark = {"ok": "✓", "wrong": "✗", "missing": "∅"}[state.state]
            table.add_row(mark, state.name, escape(where))
        self._out.print_table(table)

    def determinism(self, found: Determinism, as_json: bool) -> None:
        if as_json:
            self.json(asdict(found))
        else:
            self._out.print(found.describe(), markup=False, soft_wrap=True)

    def findings(self, findings: Sequence[Finding], as_json: bool) -> None:
        if as_json:
            self.json([asdict(finding) for finding in findings])
            return
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for finding in findings:
            mark = "✓" if finding.ok else "✗" if finding.needed else "∅"
            table.add_row(mark, finding.subject, escape(finding.text))
        self._out.print_table(table)


def _why(verdict: Verdict) -> str:
    for suite, result in verdict.suites.items():
        if result.failure is not None:
            failure = result.failure
            test = "" if failure.test is None else f" {failure.test}"
            return f"{suite}{test}: {failure.input} → {failure.got}, not {failure.expected}"[:300]
    lines = verdict.stderr.strip().splitlines()
    return lines[-1][:300] if lines else ""


def _spent(verdict: Verdict) -> str:
    if verdict.profile == PUBLISHED:
        return "times, isolation and versions unknown · "
    return f"{verdict.cpu_s:.2f} CPU s · {verdict.level} · "


def _has_failures(found: Summary) -> bool:
    return bool(found.by_status.keys() - {Status.PASSED, Status.UNSCORED})


def _printable(text: str, *, one_line: bool = False) -> str:
    """Model output without control characters, so that it can't drive the terminal."""
    kept = "" if one_line else "\n\t"
    return "".join(
        char if char in kept or char.isprintable() else f"\\x{ord(char):02x}" for char in text
    )


def _percent(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    value, low, high, _ = estimate
    if abs((low + high) / 2 - value) > _LOPSIDED:
        return f"{value:.1%} [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{value:.1%} ±{100 * estimate.half_width:.1f}"


def _cpu(seconds: float) -> str:
    return f"{seconds:.1f} CPU s" if seconds < 60 else f"{seconds / 60:.1f} CPU min"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _plain_dict(row: RunRow) -> dict[str, object]:
    names = ("run", "checkpoint", "benchmark", "profile", "path", "modified")
    counts = ("num_samples", "num_scored", "num_unscored")
    return {name: getattr(row, name) for name in names + counts}


def _plain(value: object) -> object:
    """What json can't write by itself: records, dataclasses, paths, times."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.isoformat() if isinstance(value, datetime) else str(value)
