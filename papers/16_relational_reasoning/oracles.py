def oracles():
    return []
