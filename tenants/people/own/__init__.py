"""What people change about themselves once they are in: second factors, password, passkeys, the invitation they accept.

Changes of factors ask for the password once more, so that a session left open is not the whole person.
"""
