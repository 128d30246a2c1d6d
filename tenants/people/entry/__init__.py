"""Ways in: each proves who somebody is and begins a session, and no refusal tells whether an address is known."""
