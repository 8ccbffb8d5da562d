"""Many workers behind the `Workers` protocol: which job runs when, and what if a worker dies.

As many jobs at a time as cores, and one more for each that sleeps, because a job that waits uses
no core. A thread draws a job, waits for a core, and takes an idle worker, best one that has the
job's inputs or libraries already. A worker that is used up, unclean or dead is replaced in the background.

    a worker dies       its job runs once more, alone on all cores, on another worker
    it dies there too   OUT_OF_MEMORY where kernel or engine reports an OOM kill, else LOST
    a job is SIGKILLed  by whom can't be told, so it runs once more: twice is its own doing
    no worker starts    SandboxError to the caller, who keeps what is done

Not here: what is said to a worker (worker.py), how one is started (process.py, container.py).
"""

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace

from sandboxes.protocol import End, Execution, Job, OnValues, Reply, Returned, SandboxError
from sandboxes.worker import Connection, Death, Lost, Worker, collector

_CLOSE_S = 30.0
_MAX_A_CORE = 4
"""Jobs that are begun at a time: one works, the others sleep."""
_MAX_TRIES = 5
"""Of a job whose engine goes away again and again, which is not the job's fault."""
_PAUSES_S = (0.0, 0.2, 1.0)
"""Before each try to start a worker."""


class WorkerPool:
    """See `protocol.Workers`."""

    def __init__(
        self,
        start: Callable[[int], Connection],
        *,
        num_workers: int,
        level: str,
        environment: str,
        first: Worker | None = None,
    ) -> None:
        """`start` makes a worker and connects to it; of its number, no two live ones share it.

        `first` is a worker that is running already, under the number 0.
        """
        self._start = start
        self._num_workers = num_workers
        self.level = level
        self.environment = environment
        self._cores = _Cores(num_workers)
        self._lock = threading.Condition()
        """Of all below; says when a worker gets idle. Held for moments only: never while a job is drawn or a worker starts."""
        self._workers: dict[int, Worker | None] = {}
        """By number; None while it starts or ends."""
        self._idle: list[Worker] = []
        self._runs: set[_Run] = set()
        self._helpers: list[threading.Thread] = []
        self._num_coming = 0
        """Replacements that are starting in the background."""
        self._num_closed = 0
        if first is not None:
            self._workers[0] = first
            self._idle.append(first)

    def run(self, jobs: Iterable[Job], on_values: OnValues | None = None) -> Iterator[Execution]:
        """See `protocol.Workers`.

        Raises:
            SandboxError: no worker can be started any more, or the sandbox was closed meanwhile.
        """
        run = _Run(iter(jobs), on_values, room=2 * _MAX_A_CORE * self._num_workers)
        threads = [
            threading.Thread(
                target=self._serve, args=(run,), name=f"sandbox-worker-{number}", daemon=True
            )
            for number in range(_MAX_A_CORE * self._num_workers)  # all but the first for sleepers
        ]
        with self._lock:
            self._runs.add(run)
        for thread in threads:
            thread.start()
        num_running = len(threads)
        try:
            while num_running:
                result = run.results.get()
                if result is None:
                    num_running -= 1
                elif isinstance(result, BaseException):
                    raise result
                else:
                    run.room.release()
                    yield result
            if run.stop.is_set():
                raise SandboxError("the sandbox was closed while jobs were running")
        finally:
            run.stop.set()
            with self._lock:
                self._runs.discard(run)
                busy = list(run.busy) if num_running else []
                for worker in busy:  # one may be through and idle by the time that it is killed
                    self._workers.pop(worker.number, None)
            if num_running:
                self._kill(busy)
                for thread in threads:
                    thread.join(timeout=_CLOSE_S)  # it may be waiting for the caller's next job

    def close(self) -> None:
        """Stop what runs and kill every worker. A later `run` starts new ones."""
        with self._lock:
            for run in self._runs:
                run.stop.set()
            workers = [worker for worker in self._workers.values() if worker]
            helpers, self._helpers = self._helpers, []
            self._workers.clear()
            self._idle.clear()
            self._num_closed += 1
        self._kill(workers)
        for helper in helpers:
            helper.join(timeout=_CLOSE_S)

    @staticmethod
    def _kill(workers: list[Worker]) -> None:
        """Each takes a moment to end, so all at once."""
        threads = [threading.Thread(target=worker.kill) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # --- job after job ----------------------------------------------------------------------

    def _serve(self, run: "_Run") -> None:
        """A thread: until the jobs are used up, or someone says stop."""
        try:
            while not run.stop.is_set():
                if not run.room.acquire(timeout=0.1):
                    continue
                job = run.next_job()
                if job is None:
                    break
                execution = self._run_twice(job, run)
                if execution is not None:
                    run.results.put(execution)
        except BaseException as error:  # noqa: BLE001 — handed to the caller's thread, traceback and all
            run.results.put(error)
        run.results.put(None)

    def _run_twice(self, job: Job, run: "_Run") -> Execution | None:
        """A job whose worker died runs again, alone; the second loss is final.

        None where it is time to stop.
        """
        see = _each_once(run.on_values) if run.on_values else None
        deaths: list[Death] = []
        was_killed = False
        while sum(not death.engine_is_gone for death in deaths) < 2 and len(deaths) < _MAX_TRIES:
            values: list[Returned] = []
            try:
                on_values = see or collector(values)
                execution = self._run_once(job, on_values, run, alone=bool(deaths))
            except Lost as error:
                deaths.append(error.death)
                continue
            if execution is None:
                return None
            if execution.end == End.KILLED and execution.detail == "SIGKILL" and not was_killed:
                was_killed = True
                continue
            if see:
                return execution
            return replace(execution, values=tuple(values))
        if run.stop.is_set():
            return None
        end = End.OUT_OF_MEMORY if deaths[-1].out_of_memory else End.LOST
        return Execution(job_id=job.id, end=end, detail=deaths[-1].reason, level=self.level)

    def _run_once(
        self, job: Job, on_values: OnValues, run: "_Run", *, alone: bool
    ) -> Execution | None:
        with self._cores.one(run.stop, alone=alone) as core:
            worker = self._take(job, run.stop) if core else None
            if core is None or worker is None:
                return None
            run.busy.add(worker)
            fit = False
            try:
                execution, fit = worker.run(job, on_values, core.doze)
            finally:
                run.busy.discard(worker)
                self._give_back(worker, fit)
        return execution

    # --- the workers ------------------------------------------------------------------------

    def _take(self, job: Job, stop: threading.Event) -> Worker | None:
        while worker := self._take_idle(job, stop):
            if worker.is_alive():
                return worker
            self._give_back(worker, fit=False)  # it died in its sleep: no job is to pay for that
        return self._start_worker(stop)

    def _take_idle(self, job: Job, stop: threading.Event) -> Worker | None:
        with self._lock:
            while self._num_coming and not self._idle and not stop.is_set():
                self._lock.wait(0.1)
            if not self._idle:
                return None
            ready = (worker for worker in self._idle if worker.is_ready_for(job))
            worker = next(ready, self._idle[-1])
            self._idle.remove(worker)
            return worker

    def _give_back(self, worker: Worker, fit: bool) -> None:
        with self._lock:
            if worker not in self._workers.values():
                return  # closed meanwhile
            if fit:
                self._idle.append(worker)
                self._lock.notify()
                return
            helper = threading.Thread(target=self._replace, args=(worker,), daemon=True)
            self._helpers = [*(h for h in self._helpers if h.is_alive()), helper]
            helper.start()

    def _replace(self, worker: Worker) -> None:
        """In the background: the job's thread goes on with another worker."""
        worker.kill()
        with self._lock:
            if worker not in self._workers.values():
                return
            del self._workers[worker.number]
            if len(self._workers) >= self._num_workers:
                return
            self._num_coming += 1
        started = None
        with contextlib.suppress(SandboxError):  # who needs a worker next will hear of it
            started = self._start_worker(threading.Event())
        with self._lock:
            self._num_coming -= 1
        if started is not None:
            self._give_back(started, fit=True)

    def _start_worker(self, stop: threading.Event) -> Worker | None:
        """A new worker; None where it is time to stop.

        Raises:
            SandboxError: none starts, several times.
        """
        with self._lock:
            number = next(n for n in itertools.count() if n not in self._workers)
            self._workers[number] = None
            num_closed = self._num_closed
        problems: list[str] = []
        for pause_s in _PAUSES_S:
            if stop.wait(pause_s) if pause_s else stop.is_set():
                break
            try:
                connection = self._start(number)
            except SandboxError as error:
                problems.append(str(error))
                continue
            try:
                worker = Worker(connection, self.level, number)
            except Lost as error:
                connection.kill()
                connection.close()
                problems.append(str(error))
                continue
            with self._lock:
                if num_closed == self._num_closed and not stop.is_set():
                    self._workers[number] = worker
                    return worker
            worker.kill()
            break
        with self._lock:
            if num_closed == self._num_closed:
                del self._workers[number]
        if len(problems) == len(_PAUSES_S):
            raise SandboxError(f"no worker can be started: {'; '.join(dict.fromkeys(problems))}")
        return None


class _Run:
    """One call of `WorkerPool.run`: what its threads share."""

    def __init__(self, jobs: Iterator[Job], on_values: OnValues | None, room: int) -> None:
        self._jobs = jobs
        self._drawing = threading.Lock()
        self.on_values = on_values
        self.results: queue.SimpleQueue[Execution | BaseException | None] = queue.SimpleQueue()
        self.room = threading.Semaphore(room)
        """Back-pressure: a job is drawn when there is room for its execution."""
        self.stop = threading.Event()
        self.busy: set[Worker] = set()

    def next_job(self) -> Job | None:
        with self._drawing:
            return next(self._jobs, None)


class _Cores:
    """Who may run now: as many as there are cores, or one alone."""

    def __init__(self, num_cores: int) -> None:
        self._num_cores = num_cores
        self._changed = threading.Condition()
        self._num_running = 0
        self._num_asleep = 0
        self._is_one_alone = False

    @contextlib.contextmanager
    def one(self, stop: threading.Event, *, alone: bool) -> "Generator[_Core | None]":
        """A core while the block lasts; None where it is time to stop."""
        if not (self._wait_alone(stop) if alone else self._wait(stop)):
            yield None
            return
        core = _Core(self._count)
        try:
            yield core
        finally:
            with self._changed:
                self._count(-1, asleep=core.is_asleep)
                if alone:
                    self._is_one_alone = False

    def _wait(self, stop: threading.Event) -> bool:
        with self._changed:
            while self._is_one_alone or self._num_running >= self._num_cores:
                self._changed.wait(0.1)
                if stop.is_set():
                    return False
            self._num_running += 1
            return True

    def _wait_alone(self, stop: threading.Event) -> bool:
        with self._changed:
            while self._is_one_alone:
                self._changed.wait(0.1)
                if stop.is_set():
                    return False
            self._is_one_alone = True  # from here on nobody else starts
            while self._num_running or self._num_asleep:
                self._changed.wait(0.1)
                if stop.is_set():
                    self._is_one_alone = False
                    self._changed.notify_all()
                    return False
            self._num_running += 1
            return True

    def _count(self, change: int, *, asleep: bool) -> None:
        with self._changed:
            if asleep:
                self._num_asleep += change
            else:
                self._num_running += change
            self._changed.notify_all()


class _Core:
    """One that is held. While its job is asleep another may run."""

    def __init__(self, count: Callable[..., None]) -> None:
        self._count = count
        self.is_asleep = False

    def doze(self, asleep: bool) -> None:
        if asleep != self.is_asleep:
            self._count(-1, asleep=self.is_asleep)
            self._count(+1, asleep=asleep)
            self.is_asleep = asleep


def _each_once(on_values: OnValues) -> OnValues:
    """Shows each answer once, also where a lost worker's job is run again from the start."""
    num_settled = 0
    enough = False

    def see(job_id: str, chunk: Sequence[Returned]) -> Reply:
        nonlocal num_settled, enough
        news = [answer for answer in chunk if answer.index >= num_settled]
        if enough or not news:
            return Reply.ENOUGH if enough else Reply.GO_ON
        reply = on_values(job_id, news)
        enough = reply == Reply.ENOUGH
        num_settled = news[-1].index + (reply != Reply.FULL)
        return reply

    return see
