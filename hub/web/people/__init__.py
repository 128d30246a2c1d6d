"""The pages of signing in, of one's own account, and of an account's, partner's or warehouse's people.

Every page works without JavaScript, but for passkeys, which no browser has without it.
"""
