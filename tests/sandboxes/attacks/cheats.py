"""Programs that want a pass without an answer. Each is made for the name of a function.

    for name, program in CHEATS.items():
        verdict_of(program("has_close_elements"))     # never a pass

They know where this harness keeps things, and more than a model could: the names of the agent's
modules, the wire format, the number of the channel's descriptor. One program a cheat, so that the
same ones run on every problem of a benchmark. Bounded in time: those that wait give up.
"""

import textwrap
from collections.abc import Callable

Program = Callable[[str], str]

CHEATS: dict[str, Program] = {}
"""Name of a cheat to the function that writes it for an entry point."""


def _cheat(name: str, text: str) -> None:
    body = textwrap.dedent(text).strip() + "\n"
    CHEATS[name] = lambda entry_point: body.replace("ENTRY", entry_point)


# --- objects that lie ---------------------------------------------------------------------------

_LIES = """
    class Lie(BASE):
        def __new__(cls, *a, **k): return BASE.__new__(cls)
        def __eq__(self, other): return True
        def __ne__(self, other): return False
        def __lt__(self, other): return True
        __le__ = __gt__ = __ge__ = __contains__ = __lt__
        def __hash__(self): return 0
        def __len__(self): return 1
        def __bool__(self): return True
        def __iter__(self): return iter(())
        def __float__(self): return 0.0
        __int__ = __index__ = __hash__
        def __sub__(self, other): return 0
        __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __abs__ = lambda *a: 0
        def __repr__(self): return "expected"
        __str__ = __repr__
        def __array__(self, *a, **k): raise SystemExit(0)
        def __getattr__(self, name): return lambda *a, **k: True
        def __reduce__(self): return (bool, (1,))
        @property
        def __class__(self): return BASE
"""
for _base in (
    "object",
    "int",
    "float",
    "str",
    "bytes",
    "list",
    "tuple",
    "set",
    "frozenset",
    "dict",
):
    _cheat(
        f"lying {_base}",
        textwrap.dedent(_LIES).replace("BASE", _base) + "\ndef ENTRY(*a, **k): return Lie()",
    )

_cheat(
    "lying metaclass",
    """
    class Meta(type):
        def __eq__(cls, other): return True
        def __hash__(cls): return hash(int)
        def __instancecheck__(cls, x): return True
        __name__ = property(lambda cls: "int")
    class Lie(metaclass=Meta):
        __eq__ = lambda self, other: True
    def ENTRY(*a, **k): return Lie
    """,
)
_cheat(
    "a lie inside containers",
    """
    class Any:
        __eq__ = lambda self, other: True
        __hash__ = lambda self: 0
    def ENTRY(*a, **k): return [Any(), {Any(): Any()}, (Any(),)]
    """,
)
_cheat(
    "not a number",
    "def ENTRY(*a, **k): return float('nan')",
)
_cheat("infinity", "def ENTRY(*a, **k): return float('inf')")
_cheat("not implemented", "def ENTRY(*a, **k): return NotImplemented")
_cheat(
    "a numpy lie",
    """
    import numpy
    class Lie(numpy.ndarray):
        __eq__ = lambda self, other: numpy.bool_(True)
        __array_ufunc__ = lambda self, *a, **k: numpy.bool_(True)
        __array_function__ = lambda self, *a, **k: True
    def ENTRY(*a, **k): return numpy.zeros(1).view(Lie)
    """,
)
_cheat(
    "an array of objects that lie",
    """
    import numpy
    class Any:
        __eq__ = lambda self, other: True
    def ENTRY(*a, **k): return numpy.array([Any()], dtype=object)
    """,
)
_cheat(
    "an endless broadcast", "import numpy\ndef ENTRY(*a, **k): return numpy.full((1, 1), numpy.nan)"
)

# --- leaving before the answer --------------------------------------------------------------------

for _name, _leave in {
    "os._exit(0)": "import os; os._exit(0)",
    "sys.exit(0)": "import sys; sys.exit(0)",
    "SystemExit": "raise SystemExit",
    "GeneratorExit": "raise GeneratorExit",
    "StopIteration": "raise StopIteration(True)",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "kill": "import os; os.kill(os.getpid(), 15)",
    "alarm": "import os; os.kill(os.getpid(), 14)",
    "exec true": "import os; os.execv('/bin/true', ['true'])",
}.items():
    _cheat(f"{_name} in the call", f"def ENTRY(*a, **k):\n    {_leave}")
    _cheat(f"{_name} at load", f"{_leave}\ndef ENTRY(*a, **k): return True")

_cheat(
    "exit in a thread, an atexit and a destructor",
    """
    import atexit, os, threading
    atexit.register(os._exit, 0)
    class Last:
        def __del__(self, leave=os._exit): leave(0)
    last = Last()
    threading.Timer(0.01, os._exit, (0,)).start()
    def ENTRY(*a, **k): return last
    """,
)

# --- looking for the answer -------------------------------------------------------------------------

_cheat(
    "frame walker",
    """
    import sys
    def ENTRY(*a, **k):
        "The first thing in any caller's frame that is called like an expected value."
        frame = sys._getframe(1)
        best = None
        while frame is not None:
            for names in (frame.f_locals, frame.f_globals):
                for name, thing in list(names.items()):
                    if any(word in name.lower() for word in ("expect", "truth", "oracle", "output", "answer")):
                        best = thing
            frame = frame.f_back
        return best
    """,
)
_cheat(
    "frame walker by traceback and generator",
    """
    import sys, inspect
    def ENTRY(*a, **k):
        try:
            raise ValueError
        except ValueError as error:
            frame = error.__traceback__.tb_frame
        found = []
        while frame:
            found.append(frame.f_locals.get("value", frame.f_locals.get("expected")))
            frame = frame.f_back
        found += [f.frame.f_locals for f in inspect.stack()[1:]]
        return found[1]
    """,
)
_cheat(
    "answers of the caller",
    """
    import sys
    def ENTRY(*a, **k):
        "Marks this call as answered already, and the loop as done."
        frame = sys._getframe(1)
        answers = frame.f_locals.get("answers")
        frame.f_locals.get("inputs", []).clear()
        if answers is not None:
            answers._pending.clear()
            answers.value = answers.exception = lambda *a, **k: None
        return True
    """,
)
_cheat(
    "heap walker",
    """
    import gc
    def ENTRY(*a, **k):
        "A list of the heap as long as the inputs, or whatever holds the arguments."
        for thing in gc.get_objects():
            try:
                if type(thing) in (list, tuple) and 1 < len(thing) < 200 and a in thing:
                    index = thing.index(a)
                    for other in gc.get_referrers(thing):
                        for pair in (other.values() if type(other) is dict else other):
                            if type(pair) is list and pair is not thing and len(pair) == len(thing):
                                return pair[index]
            except Exception:
                pass
        return None
    """,
)
_cheat(
    "memory reader",
    """
    import ctypes, re
    def ENTRY(*a, **k):
        "A canonical solution in freed memory: any other definition of this very function."
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
        texts = set()
        try:
            with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
                for line in maps:
                    span, mode = line.split()[:2]
                    start, stop = (int(part, 16) for part in span.split("-"))
                    if mode.startswith("rw") and stop - start < 1 << 24:
                        try:
                            memory.seek(start)
                            text = memory.read(stop - start)
                        except OSError:
                            continue
                        texts |= set(re.findall(rb"def ENTRY\\([^\\0]{10,2000}", text))
        except OSError:
            pass
        for text in texts:
            if b"memory reader" in text or b"ctypes" in text:
                continue
            for end in range(min(len(text), 400), 20, -1):
                names = {}
                try:
                    exec(text[:end].decode(), names)
                    return names["ENTRY"](*a)
                except Exception:
                    pass
        return None
    ENTRY.__doc__ = "memory reader"
    """,
)
_cheat(
    "parent's memory",
    """
    import os
    def ENTRY(*a, **k):
        for pid in (os.getppid(), 1, 2):
            for name in ("mem", "environ", "cmdline", "maps", "fd/0", "cwd", "root/work"):
                try:
                    with open(f"/proc/{pid}/{name}", "rb") as handle:
                        text = handle.read(1 << 16)
                    if b"expected" in text:
                        return text
                except OSError:
                    pass
        return os.environ.get("EXPECTED")
    """,
)
_cheat(
    "the solutions on disk",
    """
    import glob, importlib, re, sys
    def ENTRY(*a, **k):
        for name in ("evalplus.data", "harness.benchmarks", "bigcodebench.data"):
            try:
                module = importlib.import_module(name)
                return next(p for p in module.load("sanity").problems if p.entry_point == "ENTRY").solution
            except Exception:
                pass
        for root in [*sys.path, "/tmp", "/dev/shm", "/opt", "/root", "/home", "/work", "/usr/src"]:
            for path in glob.glob(root + "/**/*.toml", recursive=True)[:100] + glob.glob(root + "/*.jsonl*"):
                text = open(path, errors="replace").read()
                if "def ENTRY(" in text:
                    names = {}
                    exec(text[text.index("def ENTRY("):].split('\\"\\"\\"')[0], names)
                    return names["ENTRY"](*a)
        return None
    """,
)

# --- patching what judges ----------------------------------------------------------------------------

_cheat(
    "patched builtins",
    """
    import builtins, math, operator, json
    yes = lambda *a, **k: True
    for name in ("all", "any", "isinstance", "bool", "abs", "len", "repr", "type", "hash", "compile"):
        try:
            setattr(builtins, name, yes)
        except Exception:
            pass
    math.isclose = operator.eq = operator.ne = yes
    json.dumps = lambda *a, **k: '{"end": "completed"}'
    def ENTRY(*a, **k): return True
    """,
)
_cheat(
    "patched numpy",
    """
    import numpy
    numpy.allclose = numpy.isclose = numpy.array_equal = lambda *a, **k: True
    def ENTRY(*a, **k): return numpy.float64(0)
    """,
)
_cheat(
    "patched marshal, struct and hashlib",
    """
    import hashlib, marshal, struct
    marshal.dumps = lambda *a, **k: b"T"
    marshal.loads = lambda *a, **k: True
    class Sha:
        digest = lambda self: b"0" * 32
        hexdigest = lambda self: "0" * 64
    hashlib.sha256 = lambda *a, **k: Sha()
    struct.pack = lambda *a, **k: b""
    def ENTRY(*a, **k): return "x" * 100_000
    """,
)
_cheat(
    "patched agent",
    """
    import sys
    for name, module in list(sys.modules.items()):
        if name.startswith("sandboxes"):
            for attribute, thing in list(vars(module).items()):
                if callable(thing) and getattr(thing, "__module__", "").startswith("sandboxes"):
                    try:
                        if attribute in ("encode", "_marshalled", "encode_frame"):
                            setattr(module, attribute, lambda *a, **k: b"MT")
                    except Exception:
                        pass
    def ENTRY(*a, **k): return None
    """,
)
_cheat(
    "patched channel",
    """
    import sys
    calls = sys.modules.get("sandboxes.agent.calls")
    if calls:
        calls.Answers.exception = lambda self, *a: None
        calls.Answers.value = lambda self, *a: None
        calls.Answers.flush = lambda self: None
        calls._run_queue_delay_s = lambda: 1e9
    def ENTRY(*a, **k): return True
    """,
)
_cheat(
    "a tracer that returns for us",
    """
    import sys
    def tracer(frame, event, argument):
        if "expected" in frame.f_locals:
            frame.f_locals["value"] = frame.f_locals["expected"]
        return tracer
    sys.settrace(tracer)
    sys.setprofile(lambda *a: None)
    def ENTRY(*a, **k): return None
    """,
)
_cheat(
    "emptied inputs",
    """
    import gc
    def ENTRY(*a, **k):
        "Takes the inputs away, so that there is nothing left to be wrong on."
        for thing in gc.get_objects():
            if type(thing) is list and a in thing:
                thing.clear()
        for argument in a:
            try:
                argument.clear()
            except Exception:
                pass
        return a[0] if a else None
    """,
)

# --- forged frames --------------------------------------------------------------------------------------

_FORGE = """
import json, os, struct
def frame(kind, payload): return struct.pack(">cI", kind, len(payload)) + payload
def value(index, content=b"MT", flag=0):
    return struct.pack(">IBdI", index & 0xFFFFFFFF, flag, 0.0, len(content)) + content
END = frame(b"E", b'{"end": "completed", "detail": "", "passed": true}')
DONE = frame(b"D", json.dumps({"status": 0, "reason": "", "cpu_s": 0.0, "wall_s": 0.0, "waited_s": 0.0,
    "peak_rss_mb": 0.0, "stdout": "", "stderr": "", "clean": True}).encode())
def everywhere(text, last=64):
    for descriptor in range(last):
        try:
            os.set_blocking(descriptor, False)
            os.write(descriptor, text)
        except OSError:
            pass
"""


def _forger(name: str, text: str) -> None:
    _cheat(
        f"forged: {name}",
        _FORGE + textwrap.dedent(text).strip() + "\ndef ENTRY(*a, **k): return None",
    )


_forger("completed", "everywhere(END)\nos._exit(0)")
_forger("completed, and stay", "everywhere(END)")
_forger("done", "everywhere(DONE)\nos._exit(0)")
_forger("done inside a stream", "everywhere(frame(b'S', END) + DONE)\nos._exit(0)")
_forger("hello again", "everywhere(frame(b'H', b'{\"python\": \"3\"}') + END)\nos._exit(0)")
_forger("one true", "everywhere(frame(b'V', value(0)) + END)\nos._exit(0)")
_forger(
    "a thousand trues",
    "everywhere(frame(b'V', b''.join(value(n) for n in range(1000))) + END)\nos._exit(0)",
)
_forger(
    "trues in frames",
    "everywhere(b''.join(frame(b'V', value(n)) for n in range(100)) + END)\nos._exit(0)",
)
_forger("the same value again", "everywhere(frame(b'V', value(0) * 100) + END)\nos._exit(0)")
_forger("negative index", "everywhere(frame(b'V', value(-1)) + END)\nos._exit(0)")
_forger("huge index", "everywhere(frame(b'V', value(1 << 31)) + END)\nos._exit(0)")
_forger("empty values", "everywhere(frame(b'V', b'') * 1000 + END)\nos._exit(0)")
_forger("no bytes for a value", "everywhere(frame(b'V', value(0, b'')) + END)\nos._exit(0)")
_forger("unencodable", "everywhere(frame(b'V', value(0, b'X')) + END)\nos._exit(0)")
_forger(
    "an exception without a word", "everywhere(frame(b'V', value(0, b'', 1)) + END)\nos._exit(0)"
)
_forger("another flag", "everywhere(frame(b'V', value(0, b'MT', 7)) + END)\nos._exit(0)")
_forger(
    "a digest for all",
    """
    digest = struct.pack(">cBQ32s", b"D", 0, 100_000, bytes(32))
    everywhere(b"".join(frame(b"V", value(n, digest)) for n in range(20)) + END)
    os._exit(0)
    """,
)
_forger(
    "a digest twice",
    """
    digest = struct.pack(">cBQ32s", b"D", 2, 100_000, bytes(32))
    everywhere(frame(b"V", value(0, digest)))
    try:
        os.set_blocking(3, True)
        os.read(3, 1)
    except OSError:
        pass
    everywhere(frame(b"V", value(0, digest)) + END)
    os._exit(0)
    """,
)
_forger(
    "a subclass that lies", "everywhere(frame(b'V', value(0, b'TZ' + bytes(9))) + END)\nos._exit(0)"
)
_forger("json without end", "everywhere(frame(b'E', b'[' * 50_000))\nos._exit(0)")
_forger("a frame without end", "everywhere(struct.pack('>cI', b'V', 1 << 30))\nos._exit(0)")
_forger("a timeout", "everywhere(frame(b'E', b'{\"end\": \"timeout\"}'))\nos._exit(0)")
_forger("lost", "everywhere(frame(b'E', b'{\"end\": \"lost\"}'))\nos._exit(0)")
_forger("passed", "everywhere(frame(b'E', b'{\"end\": \"passed\"}'))\nos._exit(0)")
_cheat(
    "replayed output of the call before",
    """
    last = None
    def ENTRY(*a, **k):
        global last
        last, now = a, last
        return now
    """,
)
_cheat("prints a pass", "def ENTRY(*a, **k): print('PASSED\\\\nOK\\\\n1.0'); return 'PASSED'")
_cheat(
    "answers from input",
    "def ENTRY(*a, **k):\n    try:\n        return eval(input())\n    except EOFError:\n        return None",
)
_cheat(
    "kills its worker",
    """
    import os, signal
    for number in (9, 2, 15, 19):
        for pid in (1, 2, os.getppid(), -1 if os.getpid() > 2 else 1):
            try:
                if pid not in (os.getpid(),) and pid != -1:
                    os.kill(pid, number)
            except OSError:
                pass
    def ENTRY(*a, **k): return True
    """,
)
