"""Records the frames that the agent sends for this program, and sends them again as later answers.

Must fail: a frame carries the number of its input, and each number is due once.
"""

# ends: wrong_answer forbidden exception
import gc
import os

calls = 0


def ENTRY(*a, **k):
    global calls
    calls += 1
    if calls == 1:
        for thing in gc.get_objects():
            if type(thing).__name__ == "Answers":
                flush = thing.flush

                def twice(answers=thing, flush=flush):
                    pending = b"".join(answers._pending)
                    flush()
                    head = b"V" + len(pending).to_bytes(4, "big")
                    os.write(3, head + pending)

                thing.flush = twice
    return None
