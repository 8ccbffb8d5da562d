"""Closes every descriptor, the channel included, and goes on or leaves.

Must fail: the end of the process is reported by its parent, not by itself.
"""

# ends: killed timeout
# limits: wall_s=0.5
# variants: leave stay
import os
import time


def ENTRY():
    os.closerange(0, 1024)
    if "VARIANT" == "stay":
        time.sleep(600)
    os._exit(0)
