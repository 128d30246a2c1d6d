"""People: users, what they are members of, and how they were invited.

How somebody proves who they are stands in the rooms below: `factors`, `throttle`, `sessions`, `providers`, `devices`,
and `entry`, which puts them together. Nothing here knows of HTTP; what is mailed goes through a `Post` that the caller
brings, because mail is a room above.
"""
