"""Trained weights that ship: 16-bit safetensors, each with its card."""
