"""Grading: from an operator's answers to a grade, by questions that each account publishes as data.

`engine` is pure. A set is versioned and never changed, and a receipt keeps the version that graded it.
"""
