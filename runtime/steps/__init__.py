"""Executes kmodels of versions 3 and 4, which are lists of steps without branches, with numpy."""
