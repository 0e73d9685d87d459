"""Read the program of the function before any input is tried.

``program_reading``: what was read, at the size of ``x`` and at other sizes; ``subject_read``: reads a
subject; ``sizes``: which other sizes are read; ``findings``: what a reading says as findings of ``certify``;
``aimed``: the checks that look for an effect of what could not be established.
"""
