"""Every answer that there may be, in lines and on one line: the right one is among them."""

# ends: wrong_answer
# variants: lines words rewritten backspaces
a, b = map(int, input().split())
guesses = [str(n) for n in range(-200, 200)]
if "VARIANT" == "lines":
    print("\n".join(guesses))
elif "VARIANT" == "words":
    print(" ".join(guesses))
elif "VARIANT" == "rewritten":
    print(f"{a + b}\r{a - b}\n{a - b}\r{a + b}")
else:
    print(f"{a - b}x\b \b\n\x1b[2K{a + b}")
