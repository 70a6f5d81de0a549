"""The pages of ``solve ui``: stored runs, runs as they settle, comparisons, problems and solvers in a browser.

``app`` joins the pages and their protection, ``server`` finds a port and serves them on this machine alone. Runs,
replays and plugins' code run in processes of their own (``jobs``, ``worker``). The pages keep nothing but the store.
"""
