"""The pipeline figure of X's and O's shows every number."""

import numpy as np

from geomdl.plots import figure, pipeline, style
from geomdl.plots.xo import cell_number


def test_every_number_of_every_stage_is_in_the_figure():
    features = {"stroke": np.array([[1.0, -1.0], [-1.0, 1.0]]), "other": -np.ones((2, 2))}
    matches = {"stroke": np.array([[7 / 9, -5 / 9]]), "other": np.array([[-1 / 9, 1.0]])}
    rectified = {name: np.maximum(values, 0) for name, values in matches.items()}
    pooled = {name: values.max(keepdims=True) for name, values in rectified.items()}
    with style():
        fig = figure("double", height=4)
        pipeline(fig, np.ones((3, 3)), features, matches, rectified, pooled, {"X": 0.91, "O": 0.4})
        fig.draw_without_rendering()
    texts = [t.get_text() for axes in fig.axes for t in axes.texts]
    for stage in (matches, rectified, pooled):
        for values in stage.values():
            for value in values.flat:
                texts.remove(cell_number(value))
    assert {"0.91", "0.40"} <= set(texts)
    assert {axes.get_xlabel() for axes in fig.axes} >= {"stroke", "other"}
    (winner,) = (t for axes in fig.axes for t in axes.texts if t.get_weight() == "bold")
    assert winner.get_text() == "0.91"
