"""Rows of the marketplaces that channels cover: what accounts changed of their profiles, and who confirmed them."""
