"""Never ends, in Python.

Must fail: it runs out of time.
"""
# ends: timeout
# limits: wall_s=0.5
# variants: call load input_clock


def ENTRY():
    while True:
        pass


if "VARIANT" == "load":
    ENTRY()
