"""Until when something has to happen to a return: what the channel does by itself, and how long the policy waits.

`engine` is pure: profile, rules and moments become deadlines. Their rows are written in the transactions that make them
and dropped when the return is over; a worker warns before they pass. What follows when one passes is `hub.timeouts`'s
to say.
"""
