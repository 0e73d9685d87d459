"""Does an output depend on a later input, or on another example? Numeric checks of a PyTorch function."""
