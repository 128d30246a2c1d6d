"""Single-use links that let a user in without a password: from the command line, or from a mail."""
