"""The demonstration: three merchants, each with another receiving option, both kinds of return, a sandbox as the vendor, and its ledger as the judge.

It drives the hub through its API only, as its users would, and can be killed and started again at any moment.
"""
