"""An account's whole configuration as one file: told without a secret, compared, and put in force again."""
