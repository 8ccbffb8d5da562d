"""The socket that answers leave by: drops, repeats or rewrites what is sent.

Must fail: whatever comes out of it is untrusted anyway.
"""

# ends: forbidden exception wrong_answer
# variants: drop repeat rewrite
import gc
import socket
import sys


class Channel:
    def __init__(self, real):
        self.real = real

    def sendall(self, text):
        text = bytes(text)
        if "VARIANT" == "repeat":
            self.real.sendall(text + text)
        elif "VARIANT" == "rewrite":
            self.real.sendall(text.replace(b"MN", b"MT").replace(b"exception", b"completed"))

    def recv(self, size):
        return b"c"


for thing in gc.get_objects():
    if type(thing).__name__ == "Answers" and isinstance(
        getattr(thing, "_channel", 0), socket.socket
    ):
        thing._channel = Channel(thing._channel)
frame = sys._getframe()
while frame:
    for thing in list(frame.f_locals.values()):
        if type(thing).__name__ == "Answers" and not isinstance(thing._channel, Channel):
            thing._channel = Channel(thing._channel)
    frame = frame.f_back


def ENTRY(*a, **k):
    return None
