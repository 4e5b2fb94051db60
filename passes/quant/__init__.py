"""Quantisation after training: ranges of values, measured over a dataset."""
