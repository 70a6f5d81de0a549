"""Binary puzzles for mull: a problem family, its training examples, a learned solver and a backbone."""
