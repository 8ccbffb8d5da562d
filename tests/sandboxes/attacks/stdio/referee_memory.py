"""The referee's memory, descriptors and environment, searched for what is expected."""

# ends: wrong_answer
# variants: mem environ fd maps
import os
import re

a, b = map(int, input().split())
path = f"/proc/{os.getppid()}/VARIANT"
found = b""
try:
    if os.path.isdir(path):
        for name in os.listdir(path):
            found += open(f"{path}/{name}", "rb").read(1 << 16)
    elif "VARIANT" == "mem":
        for line in open(f"/proc/{os.getppid()}/maps"):
            first, last = (int(end, 16) for end in line.split()[0].split("-"))
            with open(path, "rb") as memory:
                memory.seek(first)
                found += memory.read(min(last - first, 1 << 20))
    else:
        found = open(path, "rb").read()
except OSError as error:
    print(error)
print(len(found), re.findall(rb"expected", found))
