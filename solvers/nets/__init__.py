"""What the learned solvers are made of: backbones (``lattice``, ``tokens``, ``mixer``) and their layers."""
