"""A few bytes that unpack to a gigabyte, inside the job and as an answer for us to unpack.

Must fail: inside it is the job's memory; outside nothing is ever unpacked.
"""

# ends: completed out_of_memory killed
# limits: memory_mb=128
# returns: anything
# variants: inside answer
import zlib


def ENTRY():
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    packed = b"".join(packer.compress(block) for _ in range(32)) + packer.flush()
    if "VARIANT" == "inside":
        return len(zlib.decompress(zlib.compress(zlib.decompress(packed) * 8)))
    return packed
