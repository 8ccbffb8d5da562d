"""Shuts one direction of the channel, or both, and stays.

Must fail: a reader that has reached the end stops looking, and the clock goes on.
"""

# ends: timeout
# limits: wall_s=0.5
# variants: SHUT_RD SHUT_WR SHUT_RDWR
import socket
import time


def ENTRY():
    channel = socket.socket(fileno=3)
    channel.shutdown(socket.VARIANT)
    time.sleep(600)
