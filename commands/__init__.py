"""The commands of ``solve``, one file or folder each. A command imports torch, which takes a second, only where it is used."""
