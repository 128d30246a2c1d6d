"""Live events for pages: what moved, as server-sent events, to whoever may see it and for as long as they look.

An event is a hint and no content: which return moved, and how. A page that hears one asks the server for the part it
shows, in the ordinary way; so there is one place that draws, and nothing is told that the visitor could not read.
`wire` writes the format, `watch` looks at the feed once for all streams of a process, `streams` keeps them few and ends
them, `api` is the address.
"""
