"""Who gets which event by mail: at once, or once a day with all others; a link in each mail ends it.

Events of returns and work items, those of deadlines included, are read in order; what is told is queued with its mail.
"""
