"""Standard output is closed, or sent elsewhere, before the last line: what is missing is not there."""

# ends: wrong_answer exception
# variants: close os_close devnull replaced
import io
import os
import sys

a, b = map(int, input().split())
print(a - b, flush=True)
if "VARIANT" == "close":
    sys.stdout.close()
elif "VARIANT" == "os_close":
    os.close(1)
elif "VARIANT" == "devnull":
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
else:
    sys.stdout = io.StringIO()
try:
    print(a + b)
except ValueError:
    pass
