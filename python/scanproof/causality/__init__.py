"""Does an output depend on a later input, or on another example? Numeric checks of a PyTorch function.

``gradients``: the certificate that no output has a gradient at a later input.
``outputs``: the checks that compare outputs: other futures, prefixes, other examples.
``diagnosis``: what a leak looks like: its worst pair, its pattern, its origin in the code, and its map.
"""
