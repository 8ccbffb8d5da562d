"""Takes memory, object by object, until there is none.

Must fail: the program runs out of memory, not the machine.
"""
# ends: out_of_memory killed
# limits: memory_mb=128


def ENTRY():
    held = []
    while True:
        held.append(bytes(1 << 20))
