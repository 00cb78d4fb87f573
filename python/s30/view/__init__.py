"""How verdicts, evidence and figures are shown to people: tables, lines, Markdown, SVG.

It decides nothing.
"""
