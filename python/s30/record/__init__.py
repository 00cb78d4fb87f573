"""Verdicts put on record, tied to a commit: written, read, compared, exported, measured again.

It takes verdicts as they are and adds none.
"""
