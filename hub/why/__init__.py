"""Why a return is not settled: one sentence, who acts next, since when, and what to do.

`engine` is pure and has an answer for every state of a return; the facts of a whole page of returns are one query.
"""
