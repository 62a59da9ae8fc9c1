#!/usr/bin/env python3
"""Makes gaussian_process.json: what numpy and scikit-learn say about Gaussian-process classifiers.

    make_gaussian_process.py            writes the file beside this script
    make_gaussian_process.py --check    compares the numbers it would write with those that are there

scikit-learn's classifier is another one where there are more than two classes: one binary problem
with a logistic likelihood against the rest for each. With two classes the softmax of two latent
functions of variance v is the logistic function of their difference, of variance 2 v, and Laplace's
approximation is the same: there its marginal likelihood and probabilities are compared number by
number. For more classes the reference is the book's definition written out with dense matrices
(Rasmussen and Williams, Eq. 3.38 to 3.44), without the rearrangements of Algorithm 3.3, and
scikit-learn gives the accuracy that a classifier of this kind reaches on the same digits.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, ConstantKernel


def rbf(a, b, variance, length_scale):
    return variance * np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * length_scale**2))


def softmax(f):
    e = np.exp(f - f.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def laplace(x, labels, classes, variance, length_scale, points):
    """The mode by plain Newton steps, log q(y|X) by Eq. 3.44, and the predictive latent moments by
    Eq. 3.40 with a dense (K + W^-1)^-1, all of size (C n) x (C n)."""
    n = len(x)
    k = np.kron(np.eye(classes), rbf(x, x, variance, length_scale))
    y = np.eye(classes)[labels].T.ravel()  # class by class
    f = np.zeros(classes * n)

    def w_and_p(latent):
        p = softmax(latent.reshape(classes, n).T)
        stacked = np.concatenate([np.diag(p[:, c]) for c in range(classes)])
        return np.diag(p.T.ravel()) - stacked @ stacked.T, p

    for _ in range(200):
        w, p = w_and_p(f)
        f = np.linalg.solve(np.eye(classes * n) + k @ w, k @ (w @ f + y - p.T.ravel()))
    w, p = w_and_p(f)
    residual = y - p.T.ravel()
    log_sums = np.log(np.exp(f.reshape(classes, n)).sum(0)).sum()
    log_q = (-0.5 * f @ np.linalg.solve(k, f) + y @ f - log_sums
             - 0.5 * np.linalg.slogdet(np.eye(classes * n) + k @ w)[1])
    k_star = np.kron(np.eye(classes), rbf(x, points, variance, length_scale))  # [C n, C s]
    mean = (k_star.T @ residual).reshape(classes, -1).T
    # (K + W^-1)^-1 = W (I + K W)^-1, as W itself is singular.
    inverse = w @ np.linalg.inv(np.eye(classes * n) + k @ w)
    full = (np.kron(np.eye(classes), rbf(points, points, variance, length_scale))
            - k_star.T @ inverse @ k_star)
    s = len(points)
    covariance = np.stack([full[i::s, i::s] for i in range(s)])  # [s, C, C]
    return log_q, mean, covariance


def averaged(mean, covariance, rng, samples=400_000):
    """The softmax averaged over the latent posterior, and its standard error's bound."""
    rows = [softmax(rng.multivariate_normal(m, c, samples)).mean(0)
            for m, c in zip(mean, covariance)]
    return np.array(rows)


def three_classes(rng):
    x = np.round(rng.normal(0, 1, (24, 3)), 3)
    labels = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.3)
    points = np.round(rng.normal(0, 1, (6, 3)), 3)
    cases = []
    for variance, length_scale in ((1.0, 1.0), (6.0, 0.7), (0.3, 2.5)):
        log_q, mean, covariance = laplace(x, labels, 3, variance, length_scale, points)
        cases.append({"variance": variance, "length_scale": length_scale,
                      "log_marginal_likelihood": log_q,
                      "probabilities_at_mean": softmax(mean).tolist(),
                      "probabilities": averaged(mean, covariance, rng).tolist(),
                      "deviation": np.sqrt(np.trace(covariance, axis1=1, axis2=2) / 3).tolist()})
    best = minimize(lambda logs: -laplace(x, labels, 3, *np.exp(logs), points)[0], [0, 0],
                    method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-8})
    return {"x": x.tolist(), "labels": labels.tolist(), "points": points.tolist(), "cases": cases,
            "best": {"variance": float(np.exp(best.x[0])), "length_scale": float(np.exp(best.x[1])),
                     "log_marginal_likelihood": -float(best.fun)}}


def two_classes(rng):
    x = np.round(rng.normal(0, 1, (30, 2)), 3)
    labels = (x[:, 0] + 0.5 * x[:, 1] ** 2 > 0.3).astype(int)
    points = np.round(rng.normal(0, 1, (8, 2)), 3)
    variance, length_scale = 1.5, 0.8
    sklearn = GaussianProcessClassifier(ConstantKernel(2 * variance) * RBF(length_scale),
                                        optimizer=None).fit(x, labels)
    base = sklearn.base_estimator_
    latent = base.kernel_(points, x) @ (base.y_train_ - base.pi_)
    return {"x": x.tolist(), "labels": labels.tolist(), "points": points.tolist(),
            "variance": variance, "length_scale": length_scale,
            "log_marginal_likelihood": float(sklearn.log_marginal_likelihood_value_),
            "probability_at_mean": (1 / (1 + np.exp(-latent))).tolist(),
            "probability": sklearn.predict_proba(points)[:, 1].tolist()}


def digits(rng):
    images, labels = load_digits(return_X_y=True)
    train = np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:5] for c in range(10)])
    test = np.setdiff1d(np.arange(len(labels)), train)[:400]
    sklearn = GaussianProcessClassifier(ConstantKernel(1.0) * RBF(30.0), random_state=0,
                                        n_restarts_optimizer=2).fit(images[train], labels[train])
    return {"train": images[train].astype(int).tolist(), "train_labels": labels[train].tolist(),
            "test": images[test].astype(int).tolist(), "test_labels": labels[test].tolist(),
            "accuracy": float(sklearn.score(images[test], labels[test]))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare with the file, write none")
    check = parser.parse_args().check

    rng = np.random.default_rng(1)
    golden = {"two_classes": two_classes(rng), "three_classes": three_classes(rng),
              "digits": digits(rng)}
    text = json.dumps(golden, separators=(",", ":")).replace('],"', '],\n"') + "\n"
    path = pathlib.Path(__file__).resolve().parent / "gaussian_process.json"
    if check:
        equal = path.exists() and path.read_text() == text
        print(f"{path.name}: {'equal' if equal else 'DIFFERS'}")
        return 0 if equal else 1
    path.write_text(text)
    print(f"{path.name}: {len(text):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
