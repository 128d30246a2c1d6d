"""Unknown parcels: what stands at a warehouse and no return announced, until somebody claims it or its time is over.

A parcel belongs to its warehouse until it is claimed. An account sees those that may be its own: of which one of its
returns is a candidate, or that stand at a warehouse it runs.
"""
