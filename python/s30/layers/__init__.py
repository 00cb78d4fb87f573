"""The six layers and the experiments: what each is asked in its own process, and what its answer depends on.

An adaptor alone imports its framework; everything else here may be imported anywhere.
"""
