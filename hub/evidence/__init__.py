"""Evidence: photos of what arrived, as facts that only their retention ends.

A photo is made small and anonymous before it is kept: upright, resized, without metadata, named by its hash. Its bytes
lie in a folder or in a bucket, its row here. The object is written before the row and removed after it, and what a
crash leaves in between is swept: a row never names an object that was not kept.
"""
