"""What was measured, stored by the digest of all that it depends on, and the machine that it was measured on.

An entry is written whole or not at all, and read without trust; nothing here knows what a layer is.
"""
