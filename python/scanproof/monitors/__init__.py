"""Causality checks inside training loops: your own, Lightning's, and that of transformers."""
