"""The agent's channel: no exception and no value is ever sent, only the end.

Must fail: an end without a full set of answers is FORBIDDEN.
"""

# ends: forbidden exception
import sys

calls = sys.modules.get("sandboxes.agent.calls")
if calls:
    calls.Answers.exception = calls.Answers.value = lambda self, *a: None
    calls.run_queue_delay_s = lambda: 1e9


def ENTRY(*a, **k):
    return True
