"""The text in a pickle of one text, read without unpickling.

    pickled_text(pickle.dumps("tests"))       # "tests"

A pickle is a program, and unpickling one runs it. LiveCodeBench packs its private tests as the
pickle of a single str; of the language of pickles that takes a length, the text and a stop. This
reader knows those, in all protocols that have them, and refuses everything else.

Not here: base64 and zlib around it (livecodebench.py).
"""

_PROTO, _FRAME, _STOP, _MEMOIZE, _BINPUT, _LONG_BINPUT = b"\x80", b"\x95", b".", b"\x94", b"q", b"r"
_TEXTS = {b"\x8c": 1, b"X": 4, b"\x8d": 8}
"""SHORT_BINUNICODE, BINUNICODE and BINUNICODE8, by the bytes of their length."""


class NotAText(ValueError):
    """The pickle of something else, or of nothing."""


def pickled_text(pickled: bytes) -> str:
    """The text.

    Raises:
        NotAText: these bytes are no pickle of one str.
    """
    at = 0

    def take(count: int) -> bytes:
        nonlocal at
        piece = pickled[at : at + count]
        if len(piece) < count:
            raise NotAText("the pickle ends too early")
        at += count
        return piece

    text: str | None = None
    while (code := take(1)) != _STOP:
        if code == _PROTO:
            take(1)
        elif code == _FRAME:
            take(8)
        elif code in _TEXTS and text is None:
            length = int.from_bytes(take(_TEXTS[code]), "little")
            try:
                text = take(length).decode("utf-8", "surrogatepass")
            except UnicodeDecodeError as error:
                raise NotAText(f"a text that is none: {error}") from None
        elif code == _MEMOIZE:
            pass
        elif code == _BINPUT:
            take(1)
        elif code == _LONG_BINPUT:
            take(4)
        else:
            raise NotAText(f"an instruction that a text does not need: {code!r}")
    if text is None:
        raise NotAText("there is no text in it")
    if at != len(pickled):
        raise NotAText("something stands behind its end")
    return text
