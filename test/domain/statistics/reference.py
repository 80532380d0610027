"""Writes reference.json: what SciPy and statsmodels say of the statistics that decide between models.

Run it with SciPy 1.17 and statsmodels 0.15:  python3 reference.py > reference.json

What neither library has is computed here in another way than in the code that is tested: by numerical maximisation of the
likelihood, by the published formula, or by enumeration.
"""

import json
from math import sqrt

import numpy as np
from scipy import stats
from scipy.optimize import brentq, minimize_scalar
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint


def tango(gained, lost, total, confidence):
    """Differences that the score test does not reject; the constrained likelihood is maximised numerically."""
    z = stats.norm.ppf((1 + confidence) / 2)
    same = total - gained - lost

    def score(difference):
        low, high = max(0.0, -difference), (1 - difference) / 2

        def minus_likelihood(share):
            cells = [(gained, share + difference), (lost, share), (same, 1 - 2 * share - difference)]
            return -sum(count * np.log(max(chance, 1e-300)) for count, chance in cells if count > 0)

        lost_share = minimize_scalar(minus_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
        variance = total * (2 * lost_share + difference * (1 - difference))
        return (gained - lost - total * difference) / sqrt(max(variance, 1e-300))

    estimate = (gained - lost) / total
    edge = 1 - 1e-9
    lower = -1.0 if estimate == -1 else brentq(lambda d: score(d) - z, -edge, min(estimate, edge), xtol=1e-12)
    upper = 1.0 if estimate == 1 else brentq(lambda d: score(d) + z, max(estimate, -edge), edge, xtol=1e-12)
    return [lower, upper]


def newcombe_paired(both, gained, lost, total, confidence):
    """Method 10 of Newcombe, Statistics in Medicine 17 (1998) 2635-2650, with statsmodels' Wilson intervals."""
    neither = total - both - gained - lost
    one, other = both + gained, both + lost
    (l1, u1), (l2, u2) = (proportion_confint(x, total, 1 - confidence, "wilson") for x in (one, other))
    margins = one * (total - one) * other * (total - other)
    cross = both * neither - gained * lost
    cross = max(cross - total / 2, 0) if cross > 0 else cross
    phi = 0 if margins == 0 else cross / sqrt(margins)
    p1, p2 = one / total, other / total
    low = (p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2
    high = (u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2
    return [p1 - p2 - sqrt(max(0, low)), p1 - p2 + sqrt(max(0, high))]


def nam(discordance, margin, alpha, power):
    """Nam, Biometrics 53 (1997) 1422-1430, with the constrained share by numerical maximisation."""
    half = discordance / 2

    def minus_likelihood(gained):
        lost = gained + margin
        return -(half * np.log(gained) + half * np.log(lost) + (1 - discordance) * np.log(1 - gained - lost))

    gained = minimize_scalar(minus_likelihood, bounds=(1e-12, (1 - margin) / 2 - 1e-12), method="bounded", options={"xatol": 1e-14}).x
    null = 2 * gained + margin - margin**2
    z = stats.norm.ppf
    return ((z(1 - alpha) * sqrt(null) + z(power) * sqrt(discordance)) / margin) ** 2


def mean_sample(records, skew, seed):
    """Two models' values on the same records."""
    rng = np.random.default_rng(seed)
    champion = rng.gamma(skew, 1 / skew, records)
    return champion, champion * 0.9 + rng.gamma(skew, 0.12 / skew, records)


def bootstrap(records, skew, seed, confidence):
    champion, challenger = mean_sample(records, skew, seed)
    difference = challenger - champion
    interval = stats.ttest_1samp(difference, 0).confidence_interval(confidence)
    swaps = stats.permutation_test(
        (champion, challenger), lambda a, b: np.mean(b - a), permutation_type="samples", n_resamples=200_000, rng=1
    )
    percentile = stats.bootstrap(
        (difference,), np.mean, n_resamples=200_000, confidence_level=confidence, method="percentile", rng=1
    ).confidence_interval
    return {
        "confidence": confidence,
        "champion": champion.round(9).tolist(),
        "challenger": challenger.round(9).tolist(),
        "value": float(np.mean(difference)),
        "student": [float(x) for x in interval],
        "percentile": [float(x) for x in percentile],
        "studentP": float(stats.ttest_1samp(difference, 0).pvalue),
        "swapP": float(swaps.pvalue),
    }


def xoshiro(state, count):
    """xoshiro128** 1.1 in Python's unbounded whole numbers, from the description of its authors."""
    mask = 0xFFFFFFFF

    def rotate(x, by):
        return ((x << by) | (x >> (32 - by))) & mask

    words, s = [], list(state)
    for _ in range(count):
        words.append((rotate((s[1] * 5) & mask, 7) * 9) & mask)
        moved = (s[1] << 9) & mask
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= moved
        s[3] = rotate(s[3], 11)
    return words


def table(names, rows, result):
    """One object per row: the arguments by name, and the result."""
    key, compute = result
    return [{**dict(zip(names, row)), key: compute(*row)} for row in rows]


PAIRS = [(0, 0), (1, 0), (5, 5), (6, 0), (0, 6), (10, 2), (25, 12), (121, 59), (500, 420), (3000, 2800), (90000, 89000)]
PROPORTIONS = [(0, 20), (1, 29), (15, 148), (81, 263), (50, 100), (20, 20), (5000, 5001)]
PAIRED = [(0, 0, 20), (4, 0, 44), (12, 2, 54), (120, 80, 1000), (900, 0, 1000), (20, 20, 40), (20, 0, 20), (0, 7, 20), (31, 40, 5000)]
WITH_BOTH = [(10, 0, 0, 20), (30, 4, 0, 44), (36, 12, 2, 54), (700, 120, 80, 1000), (0, 900, 0, 1000), (0, 20, 20, 40), (0, 20, 0, 20)]
TAILS = [(0, 20, 0.5), (3, 20, 0.5), (10, 20, 0.5), (20, 20, 0.5), (450, 1000, 0.5), (12, 5000, 0.01), (4990, 5000, 0.99), (49500, 100000, 0.5), (7, 30, 0.123)]
PROBABILITIES = [1e-300, 1e-12, 1e-6, 0.001, 0.01, 0.025, 0.05, 0.074, 0.076, 0.2, 0.4, 0.5, 0.7, 0.9, 0.95, 0.975, 0.999, 1 - 1e-9]
CONFIDENCES = [0.8, 0.9, 0.95, 0.99]
P_VALUES = [[0.01, 0.04, 0.03, 0.005], [0.5], [0.02, 0.02, 0.02], [0.9, 0.001, 0.04, 0.0101, 0.0002, 0.6, 0.03]]
STATE = (1, 2, 3, 4)


def at(confidences, rows):
    return [(*row, c) for row in rows for c in confidences]


print(
    json.dumps(
        {
            "binomial": table(
                ("k", "n", "p"),
                TAILS,
                ("said", lambda k, n, p: {"chance": float(stats.binom.pmf(k, n, p)), "tail": float(stats.binom.cdf(k, n, p))}),
            ),
            "mcNemarExact": table(
                ("gained", "lost"), PAIRS, ("p", lambda a, b: float(mcnemar([[0, a], [b, 0]], exact=True).pvalue))
            ),
            "wilsonInterval": table(
                ("right", "total", "confidence"),
                at(CONFIDENCES, PROPORTIONS),
                ("interval", lambda k, n, c: [float(x) for x in proportion_confint(k, n, 1 - c, "wilson")]),
            ),
            "tangoInterval": table(("gained", "lost", "total", "confidence"), at(CONFIDENCES, PAIRED), ("interval", tango)),
            "newcombePairedInterval": table(
                ("both", "gained", "lost", "total", "confidence"), at(CONFIDENCES, WITH_BOTH), ("interval", newcombe_paired)
            ),
            "holm": [{"ps": ps, "adjusted": [float(p) for p in multipletests(ps, method="holm")[1]]} for ps in P_VALUES],
            "normalQuantile": table(("probability",), [(p,) for p in PROBABILITIES], ("quantile", lambda p: float(stats.norm.ppf(p)))),
            "normalShareBelow": table(("x",), [(x / 4,) for x in range(-34, 35)], ("share", lambda x: float(stats.norm.cdf(x)))),
            "student": table(
                ("z", "degrees"),
                [(z, d) for z in (0.1, 0.5, 1.2815515655446004, 1.6448536269514722, 1.959963984540054, 2.5758293035489004, 3.3) for d in (19, 29, 99, 999)],
                ("t", lambda z, d: float(stats.t.ppf(stats.norm.cdf(z), d))),
            ),
            "recordsForMean": table(
                ("deviation", "gain", "alpha", "power"),
                [(0.3, 0.05, 0.05, 0.8), (0.3, 0.01, 0.05, 0.8), (1.0, 0.3, 0.01, 0.9), (250.0, 20.0, 0.05, 0.8)],
                ("records", lambda s, g, a, p: float(TTestPower().solve_power(effect_size=g / s, alpha=a, power=p, alternative="two-sided"))),
            ),
            "recordsForMeanWithin": table(
                ("deviation", "margin", "alpha", "power"),
                [(0.3, 0.05, 0.05, 0.8), (0.3, 0.01, 0.05, 0.8), (1.0, 0.3, 0.01, 0.9)],
                ("records", lambda s, m, a, p: float(TTestPower().solve_power(effect_size=m / s, alpha=a, power=p, alternative="larger"))),
            ),
            "recordsForPairsWithin": table(
                ("discordance", "margin", "alpha", "power"),
                [(0.1, 0.02, 0.05, 0.8), (0.02, 0.02, 0.05, 0.8), (0.3, 0.1, 0.025, 0.9), (0.5, 0.05, 0.05, 0.8)],
                ("records", nam),
            ),
            "randomWords": {"state": STATE, "words": xoshiro(STATE, 8)},
            "bootstrap": [bootstrap(20, 9.0, 3, 0.95), bootstrap(60, 4.0, 11, 0.9), bootstrap(300, 2.0, 5, 0.95)],
        }
    )
)
