"""A thread ends the process with code 0 while, or just after, the call is made.

Must fail: whenever it strikes, the answers that were sent are all that counts.
"""

# ends: exception wrong_answer
import os
import threading

threading.Timer(0.01, os._exit, (0,)).start()


def ENTRY(*a, **k):
    return None
