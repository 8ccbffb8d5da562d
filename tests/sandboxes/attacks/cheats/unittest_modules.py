"""Puts its own `unittest` and `pytest` in place, with a result that was successful.

Must fail: a `calls` job is graded by no test runner.
"""

# ends: wrong_answer
import sys
import types

runner = types.ModuleType("unittest")
runner.TestCase = runner.TestResult = runner.main = lambda *a, **k: True
sys.modules["unittest"] = sys.modules["pytest"] = sys.modules["unittest.mock"] = runner


def ENTRY(*a, **k):
    return runner.main()
