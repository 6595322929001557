"""File formats, quantised blocks, and packs laid out for kernels."""
