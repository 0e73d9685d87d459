"""Modules of other libraries as inputs of the checks; each adapter imports its library only when used."""
