"""A difference that is hidden behind more output than anyone reads."""

# ends: wrong_answer exception out_of_memory
# variants: before behind endless
import sys

a, b = map(int, input().split())
answer = f"{a - b}\n{a + b}\n"
if "VARIANT" == "before":
    sys.stdout.write("\n" * 50_000_000 + "0\n" + answer)
elif "VARIANT" == "behind":
    sys.stdout.write(answer + " " * 50_000_000 + "0")
else:
    while True:
        sys.stdout.write(answer * 1000)
