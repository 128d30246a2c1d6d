"""What a merchant wants to be known of a product where it is received: its codes, needs and instructions."""
