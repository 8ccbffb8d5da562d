"""Fills the writable file systems to their last byte, and keeps the files open after deleting them.

Must fail: they are limited, and the memory is given back when the job's processes are gone.
"""

# ends: completed out_of_memory killed
# variants: /tmp /dev/shm
import os


def ENTRY():
    num_bytes = 0
    handles = []
    block = bytes(1 << 20)
    for number in range(8):
        path = f"VARIANT/{number}"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT)
            handles.append(handle)
            os.unlink(path)
            while True:
                num_bytes += os.write(handle, block)
        except OSError:
            pass
    return [num_bytes] if num_bytes > 600 << 20 else []
