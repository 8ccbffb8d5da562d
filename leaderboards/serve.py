"""A board on this machine's loopback, made again while runs go on.

    with BoardServer(make_page, port=8320) as server: server.run()

The page asks for `/state` every few seconds and loads itself again when that has changed. Only
requests that name the loopback as their host are answered, so that no other site's page can read
the board through a name of its own that points here.

Not here: what the page is (page/), and any way to serve it to others: it is a file, put it where
files are served.
"""

import http.server
import threading
from collections.abc import Callable
from types import TracebackType

from leaderboards.page import Page, sample_file

HOST = "127.0.0.1"


class BoardServer:
    """Serves the page that `make_page` gives for a state; `state_of` is cheap and asked often."""

    def __init__(
        self, state_of: Callable[[], str], make_page: Callable[[str], Page], *, port: int = 0
    ) -> None:
        self._state_of = state_of
        self._make_page = make_page
        self._made: tuple[str, Page] | None = None
        self._lock = threading.Lock()
        self._runs = False
        board = self

        class Handler(_Handler):
            def find(self, path: str) -> tuple[str, bytes] | None:
                return board.answer(path)

        self._server = http.server.ThreadingHTTPServer((HOST, port), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}/"

    def run(self) -> None:
        """Answers until interrupted."""
        self._runs = True
        self._server.serve_forever(poll_interval=0.2)

    def __enter__(self) -> "BoardServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runs:  # else it would wait for an end that never comes
            self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """The kind and the bytes of what is asked for; None: there is no such thing."""
        if path == "/state":
            return "text/plain; charset=utf-8", self._state_of().encode()
        if path == "/":
            return "text/html; charset=utf-8", self._page().html.encode()
        number = path.removeprefix("/samples/").removesuffix(".js")
        if path == f"/samples/{number}.js" and number.isdigit():
            place = self._page().files.get(int(number))
            if place is not None:
                return "text/javascript; charset=utf-8", sample_file(int(number), place).encode()
        return None

    def _page(self) -> Page:
        with self._lock:
            state = self._state_of()
            if self._made is None or self._made[0] != state:
                self._made = state, self._make_page(state)
            return self._made[1]


class _Handler(http.server.BaseHTTPRequestHandler):
    def find(self, path: str) -> tuple[str, bytes] | None:
        raise NotImplementedError

    def do_GET(self) -> None:
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        found = self.find(self.path) if host in (HOST, "localhost") else None
        if found is None:
            self.send_error(404)
            return
        kind, content = found
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """The terminal is for the harness's own words."""
