"""Which accounts a warehouse receives for, and so whose returns its people see."""
