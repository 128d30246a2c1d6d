"""The server-rendered pages: their floor, their components, and the place where plugins add theirs.

`shell` is what stands around a page, `reader` who reads it, `translations` and `formats` how it is written for them,
`listing` what a list is asked for, `plots` what is drawn, `live` how a page hears that something moved. `static` and
`templates` hold the design system; `macros.html` is its list of components, and docs/pages.md how a page is built of
them. A plugin's page begins with `{% extends "base.html" %}` and needs nothing else of the hub.
"""
