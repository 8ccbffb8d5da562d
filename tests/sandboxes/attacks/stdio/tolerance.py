"""Numbers that are close to everything, or equal to nothing, in a place for another."""

# ends: wrong_answer
# variants: nan inf -inf 1e999 sNaN 0x1 1_0 1e-999999999999999999999
print("VARIANT")
print("VARIANT")
