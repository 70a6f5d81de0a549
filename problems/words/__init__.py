"""What the word puzzles share: cells with letters, and words of the lexicon in them."""
