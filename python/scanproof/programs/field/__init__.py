"""Run recorded programs over finite fields, where nothing rounds."""
