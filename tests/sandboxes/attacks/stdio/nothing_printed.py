"""No output at all, and an end as of a program that worked."""

# ends: wrong_answer
# variants: os._exit(0) sys.exit(0) exit() quit()
import os
import sys

os.write(2, str(sys.version_info).encode())
VARIANT
