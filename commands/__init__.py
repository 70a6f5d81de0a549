"""The commands of ``solve``, a file each; torch costs a second to import, so what needs it is imported where it is used."""
