"""The surroundings of BigCodeBench, rule by rule, and that plain jobs have none of them."""

import pytest

from sandboxes.protocol import Bundle, Execution, Job, Limits, Workers
from tests.sandboxes.jobs import marked, sandbox_named

TESTS = """
import unittest
class TestCases(unittest.TestCase):
    def test_it(self): self.assertIs(f(), True)
"""


@pytest.fixture(scope="module", params=marked("namespaces", "container"))
def workers(request: pytest.FixtureRequest):
    with sandbox_named(request.param).open("python", 1) as opened:
        yield opened


def run(workers: Workers, code: str, rules: str = "bigcodebench") -> Execution:
    limits = Limits(wall_s=60.0, cpu_s=60.0, input_wall_s=(20.0,), memory_mb=512)
    job = Job("job", code, "f", Bundle.of([]), limits, kind="unittest", tests=TESTS, rules=rules)
    (execution,) = workers.run([job])
    return execution


TRUE_BY_RULE = {
    "names": "def f(): return sys.version_info > (3,) and environ is os.environ",
    "file": "def f(): return __file__ == '__test__.py' and __package__ is None",
    "exit is None": "def f(): return exit is None and quit is None",
    "output has no file": """
import io, sys
def f():
    try: sys.stdout.fileno()
    except io.UnsupportedOperation: return not sys.stdout.readable()
""",
    "input can't be read": """
def f():
    try: input()
    except EOFError: return False
    except OSError: return True
""",
    "kill in a text": "import os\ndef f(): return os.system('exit 3; # skill') == 0",
    "kill in a list": """
import subprocess
def f(): return subprocess.run(['kill', '1']).stdout == b'' and subprocess.call('skill') == 0
""",
    "ps in a text": "import subprocess\ndef f(): return subprocess.check_output('echo https') == b''",
    "a list with another word": """
import subprocess
def f(): return subprocess.check_output(['echo', 'https']) == b'https\\n'
""",
    "processes write into pipes": """
import subprocess
def f(): return subprocess.run(['echo', 'x']).stdout == b'x\\n'
""",
    "Popen is a function": """
import subprocess
def f():
    try: isinstance(1, subprocess.Popen)
    except TypeError: return True
""",
    "communicate does not time out": """
import subprocess
def f():
    process = subprocess.Popen(['sleep', '30'])
    answered = process.communicate(timeout=0.1) == (None, None)
    process.kill()
    return answered and process.wait() == -15
""",
    "no signal to others": """
import os
def f(): return os.kill(1, 9) is None and os.kill(os.getppid(), 9) is None
""",
    "exec does nothing": "import os\ndef f(): return os.execv('/bin/false', ['false']) is None",
    "an empty folder": "import os\ndef f(): return os.listdir() == [] and os.getcwd() != '/tmp'",
}


@pytest.mark.parametrize("rule", TRUE_BY_RULE)
def test_a_rule(workers: Workers, rule: str):
    code = TRUE_BY_RULE[rule]
    ruled, plain = run(workers, code), run(workers, code, "")
    assert [test.outcome for test in ruled.tests] == ["passed"], ruled.tests
    assert [test.outcome for test in plain.tests] != ["passed"] or rule in _TRUE_ANYWAY
    assert ruled.evidence.run("real").changed == ()


_TRUE_ANYWAY = {"a list with another word"}
