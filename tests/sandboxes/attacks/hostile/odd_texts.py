"""Lone surrogates, NULs, terminal escapes, markup and broken UTF-8, in answers and in messages.

Must fail: they are text to be stored and shown as text, and reach no terminal, page or file raw.
"""

# ends: completed
# returns: anything
# variants: value exception printed
import os
import sys

TEXTS = [
    "\ud800\udfff",
    "a\0b",
    "\x1b[2J\x1b]0;owned\x07\x1bP+q\x1b\\",
    "</td><script>alert(1)</script>",
    "'\"`$(id)`;--",
    "\u202egnp.exe",
    "\r\n\n\r",
    "%s%n{0.__class__}",
    "x" * 100_000,
]


def ENTRY():
    if "VARIANT" == "exception":
        raise type("<script>\x1b[2J", (Exception,), {})("".join(TEXTS))
    if "VARIANT" == "printed":
        for text in TEXTS:
            os.write(1, text.encode("utf-8", "surrogatepass"))
            sys.stderr.buffer.write(text.encode("utf-16", "surrogatepass") + b"\xff\xfe\x80")
    return TEXTS
