"""Waits for ever, in the ways that use no CPU.

Must fail: elapsed time counts too.
"""

# ends: timeout
# limits: wall_s=0.5
# variants: sleep deadlock read queue select join pause wait
import os
import queue
import select
import signal
import threading
import time


def deadlock():
    lock = threading.Lock()
    with lock:
        lock.acquire()


def ENTRY():
    {
        "sleep": lambda: time.sleep(1e6),
        "deadlock": deadlock,
        "read": lambda: os.read(3, 1),
        "queue": lambda: queue.Queue().get(),
        "select": lambda: select.select([], [], []),
        "join": lambda: threading.Thread(target=deadlock).start() or deadlock(),
        "pause": signal.pause,
        "wait": lambda: threading.Event().wait(),
    }["VARIANT"]()
