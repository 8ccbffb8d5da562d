"""Never ends, and blocks, ignores or handles every signal: SIGALRM, SIGTERM, SIGXCPU, SIGINT.

Must fail: SIGKILL can't be blocked.
"""

# ends: timeout
# limits: wall_s=0.5
# variants: blocked ignored handled
import signal


def ENTRY():
    if "VARIANT" == "blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    for number in set(range(1, 32)) - {9, 19}:
        signal.signal(number, signal.SIG_IGN if "VARIANT" == "ignored" else lambda *a: None)
    signal.setitimer(signal.ITIMER_REAL, 0)
    while True:
        pass
