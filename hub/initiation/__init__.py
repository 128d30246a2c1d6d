"""Initiate: returns come into being, imported from a channel or created for a customer.

A return is born under the policy version that is published at that moment and is routed to a warehouse of its
receiving options. What must happen outside next is `hub.process`'s to say.
"""
