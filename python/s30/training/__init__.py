"""Helpers of the experiments: schedules, free of any framework, and one file per framework, which imports that one alone."""
