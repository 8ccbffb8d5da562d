"""A million files in one folder, or in as many as fit, until the file system has no inode left.

Must fail: the number of inodes is limited, and the sweep takes a moment, not a minute.
"""

# ends: completed timeout
# limits: wall_s=1.5
# variants: /tmp /dev/shm
import os


def ENTRY():
    made = 0
    try:
        for number in range(1_000_000):
            os.close(os.open(f"VARIANT/{number}", os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError:
        pass
    return [made] if made > 100_000 else []
