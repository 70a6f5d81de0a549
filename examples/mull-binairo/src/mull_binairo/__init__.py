"""Binary puzzles for mull: ``puzzle`` has the family, ``stream`` its training examples, ``solver`` and ``backbone`` a net."""
