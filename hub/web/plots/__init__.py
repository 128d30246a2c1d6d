"""Plots, drawn as SVG by pure functions: data in, a `Figure` out.

`scales` chooses where things stand and which ticks are round, `svg` writes marks, `figure` holds what every plot has;
each kind of plot is a module of its own. Colours are classes of `plots.css`. The macro `plot` shows a figure with its
legend and, under a disclosure, the same figures as a table.
"""
