"""What the evidence shows: comparisons, invariants, claims, completeness, each a check that passes or fails with a reason.

Pure NumPy on stored evidence; nothing is measured here.
"""
