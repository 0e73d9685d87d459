"""Causality checks inside training loops: plain ones, Lightning's and that of transformers."""
