"""The same training in several processes, one a device, through `accelerate launch`.

    harness train sft … --set train.devices=2 --dry-run       prints the command

The first process of the harness holds the folder, starts the others and shows their progress; each
of them runs `python -m trainers.launch`, which is what `harness train` does in one process. They
end when the first is gone, however it went.

Accelerate starts ONE process where it finds no device, and says nothing; so a configuration is
written, and every process holds the size of the world against what was asked (running.check_world).
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from harness.errors import HarnessError, ModelError, UserError
from trainers import jobs
from trainers.jobs import TrainJob, TrainObserver, TrainProgress
from trainers.settings import TrainSettings

JOB, CONFIG, LOG = "job.json", "accelerate.yaml", "launch.log"
_STARTER = "HARNESS_STARTER"


def command(job: TrainJob) -> list[str]:
    """What is run; its files are written by `prepare`."""
    settings = job.trainer_settings()
    config = settings.accelerate_config or job.out / CONFIG
    return [
        *(sys.executable, "-m", "accelerate.commands.launch"),
        *("--config_file", str(config)),
        *("-m", "trainers.launch", str(job.out / JOB)),
    ]


def prepare(job: TrainJob) -> None:
    """Write what the processes read: the job, and accelerate's configuration."""
    job.out.mkdir(parents=True, exist_ok=True)
    jobs.write_record(job.out / JOB, job)
    (job.out / CONFIG).write_text(_configuration(job.trainer_settings()), "utf-8")


def run(job: TrainJob, observer: TrainObserver) -> None:
    """Train in several processes, to the end.

    Raises:
        UserError: what a process says that the user can mend.
        ModelError: a process died; launch.log has its last words.
    """
    prepare(job)
    settings = job.trainer_settings()
    threads = settings.threads or max(1, (os.cpu_count() or 1) // settings.devices)
    env = {
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": str(threads),
        **os.environ,
        _STARTER: str(os.getpid()),
    }
    with (job.out / LOG).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command(job),
            env=env,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        error = ""
        try:
            assert process.stdout is not None
            for line in process.stdout:
                error = _heard(line, observer) or error
            code = process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
    if error:
        raise UserError(error)
    if code:
        said = (job.out / LOG).read_text("utf-8").strip().splitlines()
        raise ModelError(f"a process of the training died ({job.out / LOG}): {_last(said)}")


def _configuration(settings: TrainSettings) -> str:
    import importlib.util

    has_gpu = False
    if importlib.util.find_spec("torch") is not None:
        has_gpu = bool(importlib.import_module("torch").cuda.is_available())
    fields: dict[str, object] = {
        "compute_environment": "LOCAL_MACHINE",
        # On a CPU too: MULTI_CPU is one process, in silence; `use_cpu` makes these gloo processes.
        "distributed_type": "MULTI_GPU" if settings.devices > 1 else "NO",
        "machine_rank": 0,
        "main_training_function": "main",
        "num_machines": 1,
        "num_processes": settings.devices,
        "use_cpu": not has_gpu,
    }
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())


def _heard(line: str, observer: TrainObserver) -> str:
    """One line of the first process: progress, a remark, or the error that is returned."""
    try:
        told: Any = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    said = cast(dict[str, Any], told)
    if "progress" in said:
        observer.trained(TrainProgress(**said["progress"]))
    elif "say" in said:
        observer.say(str(said["say"]))
    return str(said.get("error", ""))


def _last(lines: list[str]) -> str:
    errors = [line.strip() for line in lines if "Error" in line and not line.startswith(" ")]
    return (errors or lines or ["no word"])[-1][:300]


class _Teller(TrainObserver):
    """Tells the process that started this one."""

    def say(self, text: str) -> None:
        _tell({"say": text})

    def trained(self, progress: TrainProgress) -> None:
        _tell({"progress": asdict(progress)})


def _tell(content: object) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def _end_with(starter: int) -> None:
    """Watch the process that started us: without it nobody would hear, or hold the folder."""

    def watch() -> None:
        while True:
            try:
                os.kill(starter, 0)
            except ProcessLookupError:
                os._exit(1)
            time.sleep(2)

    threading.Thread(target=watch, name="starter", daemon=True).start()


def main() -> None:
    """One of the processes."""
    job = TrainJob.model_validate_json(Path(sys.argv[1]).read_bytes())
    if starter := os.environ.get(_STARTER):
        _end_with(int(starter))
    is_first = os.environ.get("RANK", "0") == "0"
    try:
        task = jobs.open_task(job, clear=False)
        jobs.work_of(job.kind)(task, _Teller() if is_first else TrainObserver())
    except HarnessError as error:
        if is_first:
            _tell({"error": str(error)})
        sys.exit(1)


if __name__ == "__main__":
    main()
