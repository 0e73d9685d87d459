"""Does decoding from a state continue the run? Steps, chunks, padding and packing against one pass."""
