"""Verdicts and how they are shown; knows neither torch nor Lean."""
