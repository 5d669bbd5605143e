"""Measures scikit-learn's and numpy's counterparts of learned routers on request.

    python router_rates.py FOLDER THREADS ROWS WIDTH MODELS

Needs the PyPI packages numpy and scikit-learn. FOLDER has `vectors` (ROWS × WIDTH) and `scores` (ROWS × MODELS) as
numbers of single precision. Reads lines from standard input and answers each with how often a second:

    train METHOD    learning from all rows
    decide METHOD   choosing a model for one question whose vector is known

The first line of output names the build.
"""
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = sys.argv[2]

import warnings

import numpy
import sklearn
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor

warnings.filterwarnings("ignore")
rows, width, models = map(int, sys.argv[3:6])
vectors = numpy.fromfile(sys.argv[1] + "/vectors", dtype=numpy.float32).reshape(rows, width)
scores = numpy.fromfile(sys.argv[1] + "/scores", dtype=numpy.float32).reshape(rows, models)


class Logistic:
    """A model at a time, soft scores as weights of two copies."""

    def fit(self, x, y):
        both, labels = numpy.concatenate([x, x]), [1] * len(x) + [0] * len(x)
        self.parts = [
            LogisticRegression(C=1, max_iter=500).fit(both, labels, numpy.concatenate([y[:, m], 1 - y[:, m]]))
            for m in range(y.shape[1])
        ]
        return self

    def predict(self, x):
        return numpy.stack([part.predict_proba(x)[:, 1] for part in self.parts], axis=1)


class Kernel:
    """exp((s − 1) / 0.1) by numpy."""

    def fit(self, x, y):
        self.x, self.y = x, y
        return self

    def predict(self, x):
        weights = numpy.exp((x @ self.x.T - 1) / 0.1)
        return weights @ self.y / weights.sum(axis=1, keepdims=True)


class Neighbours(Kernel):
    """A product and a partition by numpy."""

    def predict(self, x):
        places = numpy.argpartition(-(x @ self.x.T), 100, axis=1)[:, :100]
        return self.y[places].mean(axis=1)


class Clusters:
    """Means of the scores in 64 clusters."""

    def fit(self, x, y):
        self.clusters = KMeans(64, n_init=1, max_iter=30, init="random", algorithm="lloyd", random_state=0).fit(x)
        self.means = numpy.stack([y[self.clusters.labels_ == c].mean(axis=0) for c in range(64)])
        return self

    def predict(self, x):
        return self.means[self.clusters.predict(x)]


METHODS = {
    "ridge": lambda: Ridge(alpha=10),
    "logistic": Logistic,
    "neighbours": lambda: KNeighborsRegressor(100, metric="cosine", algorithm="brute"),
    "neighbours by numpy": Neighbours,
    "kernel": Kernel,
    "clusters": Clusters,
    "perceptron": lambda: MLPRegressor(
        hidden_layer_sizes=(64,), batch_size=64, max_iter=20, tol=0, n_iter_no_change=1000
    ),
}
trained = {}
print("scikit-learn", sklearn.__version__, "numpy", numpy.__version__, flush=True)
for line in sys.stdin:
    action, method = line.strip().split(" ", 1)
    if action == "train":
        start = time.perf_counter()
        trained[method] = METHODS[method]().fit(vectors, scores)
        print(1 / (time.perf_counter() - start), flush=True)
        continue
    model = trained[method]
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < 0.2:
        model.predict(vectors[count % rows : count % rows + 1]).argmax()
        count += 1
    print(count / (time.perf_counter() - start), flush=True)
