"""All but the last line of the output: a checker that stops at the shorter text would take it."""
# ends: wrong_answer

a, b = map(int, input().split())
print(a - b)
