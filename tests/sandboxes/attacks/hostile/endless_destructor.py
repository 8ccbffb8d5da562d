"""Never ends in a destructor, an exit hook or a finaliser, after all is said.

Must fail: a job that has answered is over when its process is, or when its time is.
"""

# ends: completed timeout
# limits: wall_s=0.6
# variants: destructor exit flush
import atexit
import sys


def spin():
    while True:
        pass


class Endless:
    def __del__(self):
        spin()

    def flush(self):
        spin()

    def write(self, text):
        return 0


def ENTRY():
    if "VARIANT" == "destructor":
        Endless()
    elif "VARIANT" == "exit":
        atexit.register(spin)
    else:
        sys.stdout = Endless()
    return []
