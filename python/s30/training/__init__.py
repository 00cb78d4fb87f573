"""Helpers of the experiments, one file per framework; importing one imports that framework alone."""
