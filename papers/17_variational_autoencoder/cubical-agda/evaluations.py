def evaluations():
    return []
