"""Partners' own systems (WMS): what they are told of returns, and what they tell of goods.

A hook is a hint, a snapshot is the truth, and what arrived is the difference of two snapshots, booked like any
other receipt. Whatever comes twice, late or in another order makes the same rows.
"""
