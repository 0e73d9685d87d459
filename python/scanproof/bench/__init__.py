"""Benchmarks: the cost of checks next to the published tool, and the leaks that each tool finds."""
