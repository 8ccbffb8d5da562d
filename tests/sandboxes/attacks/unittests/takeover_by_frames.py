# Walks its callers' frames to the functions that speak for the runner, and speaks for all tests.
# The first frame is sys._getframe's, a traceback's, one that a signal handler is given (for which
# there is no audit event), or one of the standard library's own walkers.
# variants: getframe traceback signal walker
import inspect
import os
import signal
import sys
import traceback


def frames():
    if "VARIANT" == "walker":
        yield from (frame for frame, _ in traceback.walk_stack(None))
        yield from (entry.frame for entry in inspect.stack())
        return
    if "VARIANT" == "getframe":
        frame = sys._getframe()
    elif "VARIANT" == "signal":
        given = []
        signal.signal(signal.SIGUSR1, lambda number, frame: given.append(frame))
        signal.raise_signal(signal.SIGUSR1)
        frame = given[0]
    else:
        try:
            raise ValueError
        except ValueError as error:
            frame = error.__traceback__.tb_frame
    while frame is not None:
        yield frame
        frame = frame.f_back


def ENTRY(*args, **kwargs):
    send = None
    for frame in frames():
        for value in list(frame.f_locals.values()):
            if getattr(value, "__name__", "") == "send":
                send = value
    cases = sys.modules["__test__"].TestCases
    names = sorted(name for name in dir(cases) if name.startswith("test"))
    send(b"t", names[0].encode(), b"passed", b"")
    for name in names[1:]:
        send(b"s", name.encode())
        send(b"t", name.encode(), b"passed", b"")
    send(b"v", b"", b"", b"")
    os._exit(0)
