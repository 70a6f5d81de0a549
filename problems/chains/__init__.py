"""Chains, in which a state is tracked step by step: words of groups, hops through a text, parities of bits."""
