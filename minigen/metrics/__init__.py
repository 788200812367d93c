"""What a model is worth: bounds and floors, scores of samples, findings that say how to read."""

from minigen.metrics.bounds import (
    active_units,
    importance_bound,
    pca_error,
    pixel_entropy,
    principal_variances,
)
from minigen.metrics.findings import Finding, judge
from minigen.metrics.samples import (
    mode_report,
    nearest_neighbour_distances,
    parzen_log_likelihood,
    parzen_score,
)

__all__ = [
    "Finding",
    "active_units",
    "importance_bound",
    "judge",
    "mode_report",
    "nearest_neighbour_distances",
    "parzen_log_likelihood",
    "parzen_score",
    "pca_error",
    "pixel_entropy",
    "principal_variances",
]
