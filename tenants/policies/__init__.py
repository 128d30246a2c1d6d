"""What return policies say, and what follows from it: may it come back, until when, at whose cost, is it accepted.

`rules` is what a policy can say, `facts` what is known of one case. `engine` decides on a return before it is born,
`acceptance` on what arrived of it; both are pure, and `words` says each of their findings to merchant, agent and
consumer. `checks` finds what keeps a draft from being published; `service` keeps the versions.
"""
