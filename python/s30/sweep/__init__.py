"""Brings evidence up to date: what is cached, which jobs remain, and the worker processes that do them, here or on a cluster.

It measures and never judges.
"""
