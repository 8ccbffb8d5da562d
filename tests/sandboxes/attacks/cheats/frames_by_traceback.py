"""The frames without `sys._getframe`: tracebacks, generators, coroutines, `inspect`.

Must fail: there is no expected value in any of them.
"""

# ends: wrong_answer exception
import inspect
import sys


def generator():
    yield sys.exc_info()


async def coroutine():
    pass


def ENTRY(*a, **k):
    frames = []
    try:
        raise ValueError
    except ValueError as error:
        frames += [error.__traceback__.tb_frame, sys.exc_info()[2].tb_frame]
    paused = generator()
    next(paused)
    waiting = coroutine()
    frames += [paused.gi_frame, waiting.cr_frame]
    waiting.close()
    frames += [entry.frame for entry in inspect.stack()[1:]]
    frames += sys._current_frames().values()
    found = []
    for frame in frames:
        while frame:
            found += [
                frame.f_locals[name] for name in ("expected", "truth") if name in frame.f_locals
            ]
            frame = frame.f_back
    return found[0] if found else None
