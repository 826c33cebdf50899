"""claims.py: beside each of the articles' claims, what was found."""


def write(results, document):
    pass
