"""The input as the output: texts that a lazy checker would search for the expected words."""

# ends: wrong_answer
import sys

sys.stdout.write(sys.stdin.read() * 3)
