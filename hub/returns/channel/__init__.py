"""What the channel shows of a return: numbers of its order, lines, its own word, when it was last seen open."""
