"""Back-fills: returns from before the hub polled, read once from a date on, page by page and beside everything else."""
