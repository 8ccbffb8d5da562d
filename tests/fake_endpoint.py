"""An OpenAI-compatible endpoint on the loopback, with the faults that real ones have.

    with FakeEndpoint(answer, faults=["429", None, "drop"]) as endpoint:
        harness eval {endpoint.url}#model

`answer` gets the text that was asked (the last message, or the prompt) and gives the reply. Each
request takes the next fault of the list, None being none; when they are used up, all goes well.
Real HTTP, one thread a connection.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fault = Literal[
    "429", "500", "503", "drop", "half", "slow", "late", "bad json", "no choices", "null", "limit"
]
FAULTS: tuple[Fault, ...] = (
    "429", "500", "503", "drop", "half", "slow", "late", "bad json", "no choices", "null", "limit",
)  # fmt: skip


class FakeEndpoint:
    """`delay_s` is how long an answer takes; `late_s` how long one that is too late takes."""

    def __init__(
        self,
        answer: Callable[[str], str],
        *,
        faults: Iterable[Fault | None] = (),
        delay_s: Callable[[], float] = lambda: 0.0,
        late_s: float = 5.0,
        key: str | None = None,
        refuse: tuple[int, dict[str, Any]] | None = None,
        width: int | None = None,
    ) -> None:
        self.answer = answer
        self.faults = iter(faults)
        self.delay_s = delay_s
        self.late_s = late_s
        self.key = key
        self.refuse = refuse
        """A status and a body that every request gets."""
        self.seen: list[dict[str, Any]] = []
        """The bodies of all requests."""
        self.injected: list[Fault] = []
        self.replied_at: list[float] = []
        """When whole answers went out, by the monotonic clock."""
        self.num_at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()
        self.room = threading.Semaphore(width) if width else None
        endpoint = self

        class Handler(_Handler):
            fake = endpoint

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "FakeEndpoint":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed, or have waited long enough, hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeEndpoint

    def do_POST(self) -> None:
        fake = self.fake
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with fake.lock:
            fake.seen.append(body)
            fault = next(fake.faults, None)
            if fault:
                fake.injected.append(fault)
            fake.num_at_once += 1
            fake.most_at_once = max(fake.most_at_once, fake.num_at_once)
        try:
            self._answer(body, fault)
        finally:
            with fake.lock:
                fake.num_at_once -= 1

    def _answer(self, body: dict[str, Any], fault: Fault | None) -> None:
        fake = self.fake
        if fake.key and self.headers.get("Authorization") != f"Bearer {fake.key}":
            self._send(401, {"error": {"message": f"no: {self.headers.get('Authorization')}"}})
            return
        if fake.refuse:
            self._send(*fake.refuse)
            return
        if fault == "drop":
            self.close_connection = True
            return
        if fault in ("429", "500", "503"):
            wait = {"Retry-After": "0.3"} if fault == "429" else {}
            self._send(int(fault), {"error": {"message": "try again"}}, wait)
            return
        if fake.room:
            with fake.room:
                time.sleep(fake.delay_s())
        else:
            time.sleep(fake.late_s if fault == "late" else fake.delay_s())
        if fault == "bad json":
            self._send(200, b'{"choices": [{"mess')
            return
        if fault in ("no choices", "null"):
            self._send(200, {"choices": []} if fault == "no choices" else b"null")
            return
        headers = (
            {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "200ms"}
            if fault == "limit"
            else {}
        )
        self._send(200, self._whole(body), headers, fault)

    def _whole(self, body: dict[str, Any]) -> dict[str, Any]:
        is_chat = "messages" in body
        asked = body["messages"][-1]["content"] if is_chat else body["prompt"]
        text = self.fake.answer(asked)
        said = {"message": {"role": "assistant", "content": text}} if is_chat else {"text": text}
        return {
            "choices": [{"index": 0, "finish_reason": "stop", **said}],
            "usage": {"prompt_tokens": len(asked) // 4, "completion_tokens": len(text) // 4},
        }

    def _send(
        self,
        status: int,
        body: dict[str, Any] | bytes,
        headers: dict[str, str] | None = None,
        fault: Fault | None = None,
    ) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            if fault == "half":
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
                return
            if fault == "slow":
                step = max(1, len(content) // 10)
                for at in range(0, len(content), step):
                    self.wfile.write(content[at : at + step])
                    self.wfile.flush()
                    time.sleep(0.05)
            else:
                self.wfile.write(content)
            self.wfile.flush()
        except OSError:
            self.close_connection = True
            return
        if status == 200:
            with self.fake.lock:
                self.fake.replied_at.append(time.monotonic())

    def log_message(self, format: str, *args: object) -> None:
        pass


def some(faults: Iterable[Fault], num: int, seed: int = 0) -> list[Fault | None]:
    """`num` places, each fault several times among them, in a fixed disorder."""
    chooser = random.Random(seed)
    kinds = list(faults)
    places: list[Fault | None] = [*kinds * max(1, num // (4 * len(kinds)))]
    places += [None] * max(0, num - len(places))
    chooser.shuffle(places)
    return places
