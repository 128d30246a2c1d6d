"""Reconciliation: what the hub and a channel say of the same returns, held side by side.

`engine` is pure: it compares a return as the hub stores it with the same return as the channel holds it, and says what
differs, why, and what would repair it. A run walks through all that the channel has, page by page, and may be cut off
anywhere; `repairs` looks anew before it does anything, so that a repair may be pressed twice.
"""
