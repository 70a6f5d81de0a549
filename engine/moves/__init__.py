"""The move engine: graphs as flat arrays, the kinds' compiled move forms, and the instances of compiled searches.

Nothing here imports torch; numba is imported when a kernel is first called.
"""
