"""What is printed for a return: its number as codes, an address label, a packing slip, a manifest.

Pure functions of data: whoever prints says what stands on the paper and in which language. Every code carries the
return number alone, so that any scanner types what people would.
"""
