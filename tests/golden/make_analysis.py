#!/usr/bin/env python3
"""Makes analysis.json with scikit-learn; see README.md.

    make_analysis.py            writes the file beside this script
    make_analysis.py --check    compares the numbers it would write with those that are there

Inputs are stored beside the results, rounded before anything is computed, so that both sides read
the same numbers.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.feature_selection import mutual_info_classif
from sklearn.manifold import TSNE
from sklearn.metrics import (adjusted_rand_score, normalized_mutual_info_score, silhouette_samples)

PERPLEXITY = 20
NOISE_SEEDS = 50
TSNE_RUNS = 8


def point_sets():
    """By how clearly they fall into clusters: outgoing weights of 84 neurons as a network with
    strong assemblies has them (one large weight for each neuron, and some dead neurons), the same
    without structure, and overlapping clouds."""
    rng = np.random.default_rng(1)
    assemblies = np.eye(10)[np.arange(84) % 10] * 0.8 + rng.normal(0, 0.05, (84, 10))
    assemblies[-6:] = rng.normal(0, 0.004, (6, 10))
    clouds = rng.normal(0, 1, (8, 6))[rng.integers(0, 8, 200)] + rng.normal(0, 0.6, (200, 6))
    return {"assemblies": assemblies, "unstructured": rng.normal(0, 0.3, (84, 10)),
            "clouds": clouds}


def points_entry(points):
    points = points.round(3)
    clusters = {k: KMeans(k, n_init=10, random_state=0, tol=0).fit(points) for k in range(2, 16)}
    labels = clusters[10].labels_.copy()
    labels[0] = 99  # A cluster of one.
    pca = PCA(2).fit(points)
    # With few points t-SNE is chaotic: differences in the last bits lead to maps whose divergence
    # differs by several percent. The average over a few such differences does not.
    rng = np.random.default_rng(4)
    jitter = [rng.normal(0, 1e-9, points.shape) for _ in range(TSNE_RUNS)]
    tsne = [TSNE(perplexity=PERPLEXITY, method="exact", init="pca").fit(points + e) for e in jitter]
    return {
        "points": points.tolist(),
        "inertia": [clusters[k].inertia_ for k in range(2, 16)],
        "labels": labels.tolist(),
        "silhouette": {metric: silhouette_samples(points, labels, metric=metric).tolist()
                       for metric in ("euclidean", "sqeuclidean")},
        "pca": {"components": pca.components_.tolist(),
                "projected": pca.transform(points).tolist(),
                "variances": (pca.explained_variance_ * (1 - 1 / len(points))).tolist()},
        "tsne": {"perplexity": PERPLEXITY,
                 "kl_divergence": [float(t.kl_divergence_) for t in tsne]},
    }


def agreement():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 10, 200)
    noisy = np.where(rng.random(200) < 0.3, rng.integers(0, 10, 200), truth)
    pairs = {"noisy": (truth, noisy), "permuted": (truth, (truth * 7 + 3) % 10),
             "independent": (truth, rng.integers(-3, 4, 200)),
             "one_cluster": (truth, np.zeros(200, int)),
             "both_one": (np.zeros(200, int), np.full(200, 5)),
             "singletons": (truth, np.arange(200)), "coarser": (truth, truth // 3)}
    return {name: {"a": a.tolist(), "b": b.tolist(),
                   "adjusted_rand_index": float(adjusted_rand_score(a, b)),
                   "normalized_mutual_information": float(normalized_mutual_info_score(a, b))}
            for name, (a, b) in pairs.items()}


def information():
    """Neurons of several kinds: no class, one class, two classes, all classes, a rectified one
    with many equal zeros. Where values are equal, the estimate depends on the noise that tells them
    apart: mean and standard deviation over many seeds."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 5, 300)
    noise = rng.normal(0, 1, (300, 5))
    activations = np.stack([noise[:, 0], 3 * (labels == 2) + noise[:, 1],
                            2 * (labels == 0) + 2 * (labels == 4) + noise[:, 2],
                            labels + 0.5 * noise[:, 3],
                            np.maximum(0, 3 * (labels == 1) + noise[:, 4] - 1)], 1).round(9)
    factors = np.stack([labels] + [labels == c for c in range(5)], 1).astype(int)
    result = {"activations": activations.tolist(), "labels": labels.tolist(), "neighbors": {}}
    for k in (3, 10):
        runs = np.array([[mutual_info_classif(activations, f, n_neighbors=k, random_state=seed)
                          for f in factors.T] for seed in range(NOISE_SEEDS)])
        result["neighbors"][k] = {"mean": runs.mean(0).T.tolist(),
                                  "deviation": runs.std(0, ddof=1).T.tolist()}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare with the file, write none")
    check = parser.parse_args().check

    golden = {"points": {name: points_entry(points) for name, points in point_sets().items()},
              "agreement": agreement(), "information": information()}
    text = json.dumps(golden, separators=(",", ":")).replace('],"', '],\n"') + "\n"
    path = pathlib.Path(__file__).resolve().parent / "analysis.json"
    if check:
        equal = path.exists() and path.read_text() == text
        print(f"{path.name}: {'equal' if equal else 'DIFFERS'}")
        return 0 if equal else 1
    path.write_text(text)
    print(f"{path.name}: {len(text):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
