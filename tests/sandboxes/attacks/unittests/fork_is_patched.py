# os.fork and the hooks around it.
import os

os.fork = lambda: 0
os._exit = lambda code: None
os.waitpid = lambda *args: (0, 0)
os.write = lambda descriptor, content: len(content)
os.register_at_fork(after_in_child=lambda: os.abort())


def ENTRY(*args, **kwargs):
    return None
