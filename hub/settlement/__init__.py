"""Settle: from what arrived to who is paid for what, and why.

`engine` is pure: it drafts a memo from the lines, the receipts and the policy version that the return was born
under. The memo is stored before anything is sent, and the message to the channel is made from it.
"""
