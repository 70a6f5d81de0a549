"""Kernels of local search: functions on plain arrays, and their tensor forms."""
