"""Never ends inside of one C function, where no signal handler of Python's runs.

Must fail: the clock is in another process, and kills.
"""

# ends: timeout
# limits: wall_s=0.5
# variants: regular_expression integer_of_text power sum decimal maximum
import decimal
import re
import sys


def ENTRY():
    getattr(sys, "set_int_max_str_digits", int)(0)
    if "VARIANT" == "regular_expression":
        re.match(r"(a*)*b", "a" * 60)
    elif "VARIANT" == "integer_of_text":
        int("9" * 10**7)
    elif "VARIANT" == "power":
        pow(3, 3**18)
    elif "VARIANT" == "decimal":
        decimal.getcontext().prec = 10**7
        decimal.Decimal(2).sqrt().exp()
    elif "VARIANT" == "maximum":
        max(iter(int, 1))
    else:
        sum(range(10**13))
