"""Selective scans in plain PyTorch, one signature, three evaluation orders."""

from scanproof.scans.selective import selective_scan, selective_scan_associative, selective_scan_chunked

__all__ = ["selective_scan", "selective_scan_associative", "selective_scan_chunked"]
