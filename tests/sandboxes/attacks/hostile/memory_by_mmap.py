"""Maps memory, private and shared, and touches every page of it.

Must fail: shared pages count as address space, private ones as data.
"""

# ends: completed out_of_memory killed
# limits: memory_mb=64
# variants: MAP_PRIVATE MAP_SHARED
import mmap


def ENTRY():
    held = []
    for _ in range(1000):
        try:
            block = mmap.mmap(-1, 16 << 20, flags=mmap.VARIANT | mmap.MAP_ANONYMOUS)
        except OSError:
            break
        for place in range(0, 16 << 20, 4096):
            block[place] = 1
        held.append(block)
    return [len(held)] if len(held) * 16 > 64 * 7 else []
