"""Writes reference.json: what SciPy and statsmodels say of the statistics that decide between models.

Run it with SciPy 1.17 and statsmodels 0.15:  python3 reference.py > reference.json
"""

import json

from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint


def bonett_price(gained, lost, total, confidence):
    """Equation 4 of Bonett and Price (2012), with SciPy's normal quantile; neither library has this interval."""
    z = norm.ppf((1 + confidence) / 2)
    p12, p21 = (gained + 1) / (total + 2), (lost + 1) / (total + 2)
    half = z * ((p12 + p21 - (p12 - p21) ** 2) / (total + 2)) ** 0.5
    return [p12 - p21 - half, p12 - p21 + half]


PAIRS = [(0, 0), (1, 0), (5, 5), (6, 0), (0, 6), (10, 2), (25, 12), (121, 59), (500, 420), (3000, 2800)]
PROPORTIONS = [(0, 20), (1, 29), (15, 148), (81, 263), (50, 100), (20, 20), (5000, 5001)]
PAIRED = [(0, 0, 20), (4, 0, 44), (12, 2, 54), (120, 80, 1000), (900, 0, 1000), (20, 20, 40)]
PROBABILITIES = [1e-300, 1e-12, 1e-6, 0.001, 0.01, 0.025, 0.05, 0.074, 0.076, 0.2, 0.4, 0.5, 0.7, 0.9, 0.95, 0.975, 0.999, 1 - 1e-9]
CONFIDENCES = [0.8, 0.9, 0.95, 0.99]

print(
    json.dumps(
        {
            "mcNemarExact": [
                {"gained": a, "lost": b, "p": float(mcnemar([[0, a], [b, 0]], exact=True).pvalue)} for a, b in PAIRS
            ],
            "wilsonInterval": [
                {"right": k, "total": n, "confidence": c, "interval": [float(x) for x in proportion_confint(k, n, 1 - c, "wilson")]}
                for k, n in PROPORTIONS
                for c in CONFIDENCES
            ],
            "pairedDifferenceInterval": [
                {"gained": a, "lost": b, "total": n, "confidence": c, "interval": [float(x) for x in bonett_price(a, b, n, c)]}
                for a, b, n in PAIRED
                for c in CONFIDENCES
            ],
            "normalQuantile": [{"probability": p, "quantile": float(norm.ppf(p))} for p in PROBABILITIES],
        },
        indent=1,
    )
)
