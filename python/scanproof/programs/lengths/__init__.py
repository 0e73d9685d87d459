"""Readings that hold for every length: one program by ``torch.export``, with delays in place of positions.

``exported`` asks torch.export for a program of any number of positions. ``form`` says of a tensor how far
beyond its own index an entry may read; ``rules`` says so of the result of each operation; ``every_length``
runs the rules over the program.
"""
