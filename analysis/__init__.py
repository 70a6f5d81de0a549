"""Analysis of learned recursions: where their states go, loop by loop, and what that says about their answers."""
