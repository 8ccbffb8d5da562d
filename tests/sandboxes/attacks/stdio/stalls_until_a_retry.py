"""Waits to be tried again, in the hope of a kinder judge; the second time is as the first."""

# ends: timeout
import time

time.sleep(60)
a, b = map(int, input().split())
print(f"{a - b}\n{a + b}")
