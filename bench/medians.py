"""medians.py: what the measuring programs say of many rounds: the median, and how sure it is."""
import random
import statistics


def interval(values):
    """Bootstrap interval of 95% of the median; the same for the same values."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(4000))
    return medians[100], medians[3899]


def ratio(values, base):
    """The median of the ratios of rounds, and its interval."""
    ratios = [a / b for a, b in zip(values, base)]
    return statistics.median(ratios), interval(ratios)
