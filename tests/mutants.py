"""Break each rule of the sandbox on purpose, and see a test fail: `python -m tests.mutants`.

A rule whose breaking no test notices is a rule on paper. Each mutant is one edit of a copy of the
project, and the tests that should see it; all are run in namespaces, so that no image is built.
Exits with 1 where a mutant lives, or where the text that it changes is no longer there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
_COPIED = ("harness", "sandboxes", "generators", "trainers", "leaderboards", "tests")


class Mutant(NamedTuple):
    """One rule of the design, one edit that breaks it, and who should notice."""

    rule: str
    file: str
    before: str
    after: str
    tests: str
    """Of tests/: files and `-k` words."""


class Outcome(NamedTuple):
    mutant: Mutant
    caught_by: list[str]
    """Tests that failed; none: the mutant lives."""
    elapsed_s: float


_ISOLATION = "sandboxes/test_isolation.py"
MUTANTS = [
    Mutant(
        "1 blind against residue: the program never passes through the zygote",
        "sandboxes/agent/supervisor.py",
        "socket.send_fds(self._zygote, [wire.pack(wire.JOB, spec)], job_side)",
        "spec = json.dumps(job | {'code': code.decode('utf-8', 'replace')}).encode(); "
        "socket.send_fds(self._zygote, [wire.pack(wire.JOB, spec)], job_side)",
        f"{_ISOLATION} -k earlier_program",
    ),
    Mutant(
        "2 a forged frame is only an answer: its number must be the one due",
        "sandboxes/worker.py",
        "if index != expected:",
        "if False:",
        "sandboxes/test_forged_frames.py",
    ),
    Mutant(
        "3 a user of the job's own",
        "sandboxes/agent/zygote.py",
        "        os.setresuid(identity.uid, identity.uid, identity.uid)",
        "        pass",
        f"{_ISOLATION} -k out_of_reach",
    ),
    Mutant(
        "3 no system call that reaches other processes or outlives the job",
        "sandboxes/agent/zygote.py",
        "        seccomp.install()",
        "        linux.no_new_privileges()",
        f"{_ISOLATION} -k denied_system_calls",
    ),
    Mutant(
        "4 everything dies with the job",
        "sandboxes/agent/supervisor.py",
        "        while strangers := self.strangers():",
        "        while strangers := []:",
        f"{_ISOLATION} -k daemons",
    ),
    Mutant(
        "5 no file is left behind",
        "sandboxes/agent/supervisor.py",
        "        if self._scratch_is_as_made():\n            return True",
        "        return True",
        f"{_ISOLATION} -k no_file_is_left",
    ),
    Mutant(
        "5 no segment, queue or key is left behind",
        "sandboxes/agent/seccomp.py",
        '    "shmget": (29, 194, _RESIDUE),\n',
        "",
        "sandboxes/test_attacks.py -k kernel_calls",
    ),
    Mutant(
        "6 the job is killed first when memory runs out",
        "sandboxes/agent/zygote.py",
        'os.write(score, b"1000")',
        'os.write(score, b"0")',
        f"{_ISOLATION} -k first_to_be_killed",
    ),
    Mutant(
        "6 the limit of memory is above what the fork inherits",
        "sandboxes/agent/zygote.py",
        "data, space = held.data + memory, held.mapped + 3 * memory",
        "data, space = memory, held.mapped + 3 * memory",
        "sandboxes/test_pool.py -k fat_parent",
    ),
    Mutant(
        "6 processes share one limit of memory",
        "sandboxes/agent/clock.py",
        "        return resident > 2 * self._memory or mapped > 6 * self._memory",
        "        return False",
        f"{_ISOLATION} -k share_one_memory_limit",
    ),
    Mutant(
        "6 a lost job runs once more",
        "sandboxes/pool.py",
        "while sum(not death.engine_is_gone for death in deaths) < 2",
        "while sum(not death.engine_is_gone for death in deaths) < 1",
        "sandboxes/test_lifetime.py -k killed_runs_again",
    ),
    Mutant(
        "6 and what is lost twice is never a verdict of the model",
        "harness/grading/judge.py",
        "    if execution.end == End.LOST:\n        return Status.UNSCORED",
        "    if execution.end == End.LOST:\n        return Status.EXCEPTION",
        "harness/grading/test_judge.py",
    ),
    Mutant(
        "7 no secrets: a fixed environment",
        "sandboxes/process.py",
        "            env=environment,",
        "            env=os.environ | environment,",
        f"{_ISOLATION} -k nothing_of_the_host",
    ),
    Mutant(
        "7 no descriptor but the job's own",
        "sandboxes/agent/zygote.py",
        "    os.closerange(_OUTCOME + 1, 1024)",
        "    os.closerange(900, 1024)",
        f"{_ISOLATION} -k out_of_reach",
    ),
    Mutant(
        "8 determinism: hashes",
        "sandboxes/process.py",
        '"PYTHONHASHSEED": "0"',
        '"PYTHONHASHSEED": "random"',
        f"{_ISOLATION} -k chance",
    ),
    Mutant(
        "8 determinism: chance is seeded",
        "sandboxes/agent/calls.py",
        '    sys.modules["random"].seed(number)',
        '    sys.modules["random"].seed()',
        f"{_ISOLATION} -k chance",
    ),
    Mutant(
        "5 a run of a whole program finds nothing of the one before",
        "sandboxes/agent/stdio.py",
        "            self._clean_up()\n",
        "",
        "sandboxes/test_contract.py -k left_for_the_next",
    ),
    Mutant(
        "10 a referee that the program has stopped is seen",
        "sandboxes/agent/clock.py",
        '            return "stopped"',
        '            return ""',
        "sandboxes/test_contract.py -k referee_that_is_stopped",
    ),
    Mutant(
        "an interrupted referee is no failure of ours",
        "sandboxes/agent/unittests.py",
        "        signal.signal(signal.SIGINT, signal.SIG_DFL)\n",
        "",
        "sandboxes/test_unittests.py -k referee_is_interrupted",
    ),
    Mutant(
        "missing lines of an output are missed",
        "harness/grading/stdio.py",
        '    return [line.strip() for line in text.strip().split("\\n")]',
        '    return [line.strip() for line in text.strip().split("\\n")][:1]',
        "harness/grading/test_stdio.py",
    ),
    Mutant(
        "9 of output, head and tail are kept",
        "sandboxes/agent/supervisor.py",
        "_TAIL_BYTES = 32 * 1024",
        "_TAIL_BYTES = 1 << 40",
        f"{_ISOLATION} -k fifty_megabytes",
    ),
    Mutant(
        "9 a frame has a limit",
        "sandboxes/worker.py",
        "_UNASKED_BYTES = 256 * 1024",
        "_UNASKED_BYTES = 1 << 40",
        "sandboxes/test_forged_frames.py -k keeps_its_memory",
    ),
    Mutant(
        "10 wall time caps",
        "sandboxes/agent/clock.py",
        "        if left_s <= 0 or elapsed_s > 10 * self._wall_s + 60:",
        "        if elapsed_s > 10 * self._wall_s + 60:",
        "sandboxes/test_contract.py -k time_limits",
    ),
    Mutant(
        "10 waiting for a core is not the program's time",
        "sandboxes/agent/clock.py",
        "self.waited_s = max(self.waited_s, waited_s) if self._alone else 0.0",
        "self.waited_s = 0.0",
        "sandboxes/test_clocks.py -k busy_machine",
    ),
    Mutant(
        "10 and own load buys no time",
        "sandboxes/agent/clock.py",
        "self.waited_s = max(self.waited_s, waited_s) if self._alone else 0.0",
        "self.waited_s = max(self.waited_s, waited_s)",
        "sandboxes/test_clocks.py -k own_load",
    ),
    Mutant(
        "10 the CPU of children is the job's",
        "sandboxes/agent/supervisor.py",
        "            self._cpu_s_of_orphans += usage.ru_utime + usage.ru_stime",
        "            pass",
        "sandboxes/test_clocks.py -k orphans",
    ),
    Mutant(
        "10 a timeout is confirmed alone",
        "harness/grading/judge.py",
        "        result.status == Status.TIMEOUT\n        or",
        "        False\n        or",
        "harness/grading/test_judge.py -k timeouts_are_tried_again",
    ),
    Mutant(
        "10 a job that sleeps frees its core",
        "sandboxes/agent/clock.py",
        "        self.is_asleep = bool(processes)",
        "        self.is_asleep = False and bool(processes)",
        "sandboxes/test_pool.py -k sleep",
    ),
    Mutant(
        "11 an unclean worker is replaced",
        "sandboxes/worker.py",
        'report["clean"] and self.num_jobs < _MAX_JOBS',
        "self.num_jobs < _MAX_JOBS",
        "sandboxes/test_lifetime.py -k unclean",
    ),
    Mutant(
        "11 a worker is replaced after so many jobs",
        "sandboxes/worker.py",
        'report["clean"] and self.num_jobs < _MAX_JOBS',
        'report["clean"]',
        "sandboxes/test_lifetime.py -k so_many_jobs",
    ),
    Mutant(
        "workers end with the harness",
        "sandboxes/agent/supervisor.py",
        "                if not piece:\n                    self._leave()",
        "                if not piece:\n                    continue",
        "sandboxes/test_lifetime.py -k outlives_the_harness",
    ),
]


def outcomes(rule: str = "") -> Iterator[Outcome]:
    """One mutant after the other, of the rules that begin so."""
    environment = os.environ | {"CI": "", "PYTHONDONTWRITEBYTECODE": "1"}
    for each in (one for one in MUTANTS if one.rule.startswith(rule)):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            for name in _COPIED:
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, Path(folder, name), ignore=ignored)
            shutil.copy(ROOT / "pyproject.toml", folder)
            target = Path(folder, each.file)
            text = target.read_text()
            assert text.count(each.before) == 1, f"{each.file} has no longer: {each.before}"
            target.write_text(text.replace(each.before, each.after))
            files, *words = each.tests.split()
            tests = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", "-q", "-x", "--timeout", "90"),
                    *("-m", "not docker", "-p", "no:cacheprovider", "-rfE", f"tests/{files}"),
                    *words,
                ],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
            )
        lines = tests.stdout.splitlines()
        failed = [line.split()[1] for line in lines if line.startswith(("FAILED ", "ERROR "))]
        if tests.returncode not in (0, 1) and not failed:
            raise RuntimeError(
                f"{each.rule}: pytest exited with {tests.returncode}\n{tests.stdout}"
            )
        yield Outcome(each, failed, time.monotonic() - started)


def main() -> None:
    num_alive = 0
    for outcome in outcomes(*sys.argv[1:2]):
        name = outcome.caught_by[0].rpartition("/")[2] if outcome.caught_by else "NOBODY"
        num_alive += not outcome.caught_by
        print(f"{outcome.mutant.rule}: {name} ({outcome.elapsed_s:.0f} s)", flush=True)
    print(f"{num_alive} broken rules were not noticed")
    sys.exit(bool(num_alive))


if __name__ == "__main__":
    main()
