"""What a scanned text may be: pure functions from a text to its possible readings, the likeliest first.

Whoever scans anything asks here what it may be, and then looks in that order whether there is such a thing.
"""
