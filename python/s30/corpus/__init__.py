"""What the repository and its rooms say, read and checked, and the vocabulary in which they say it; nothing here runs a layer.

Rooms reach it through `s30.room` alone.
"""
