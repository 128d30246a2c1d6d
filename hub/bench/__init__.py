"""Benchmarks: the hub beside a floor written by hand, in one run, so that the ratio holds on any machine.

The floor makes the same rows in the same tables, the same commits, jobs and vendor calls, with nothing but asyncpg,
arq and httpx: it is what the hub's promises cost on top.
"""
