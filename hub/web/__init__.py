"""The server-rendered pages: their floor (session, forms, errors, design), and the place where plugins add theirs.

`templates/` and `static/` hold the design system; `macros.html` is its list of components. A plugin's page begins
with `{% extends "base.html" %}` and needs nothing else of the hub.
"""
