"""Simulations: what would have become of returns under a draft of their policy, in numbers and return by return."""
