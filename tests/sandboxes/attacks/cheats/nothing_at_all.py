"""The answers that carelessly written graders let pass: none, an empty one, the type of one.

Must fail: they are values, and wrong ones.
"""
# ends: wrong_answer exception
# variants: None () [] {} set() '' 0 False b'' bool

if "VARIANT" == "bool":
    ENTRY = bool
else:

    def ENTRY(*a, **k):
        return VARIANT
