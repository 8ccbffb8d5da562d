"""The right answer on standard error, or on the terminal."""

# ends: wrong_answer
# variants: stderr tty input
import os
import sys

a, b = map(int, input().split())
answer = f"{a - b}\n{a + b}\n".encode()
if "VARIANT" == "stderr":
    os.write(2, answer)
elif "VARIANT" == "tty":
    for path in ("/dev/tty", "/dev/console", "/dev/pts/0"):
        try:
            os.write(os.open(path, os.O_WRONLY), answer)
        except OSError:
            pass
else:
    os.write(0, answer)
sys.exit(0)
