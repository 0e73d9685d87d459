"""Families of recurrences, each as the kernel that implementations offer, and the check against a kernel."""
