"""The tracking numbers by which a return comes back: a list, and never a key, for carriers use numbers again."""
