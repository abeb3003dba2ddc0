"""Figures and tables: rows and arrays in, matplotlib figures, CSV and Markdown out.

A figure script reads rows with :func:`read_csv`, draws inside :func:`style` on a :func:`figure`, and saves it with
:func:`save`.
"""

from geomdl.plots.boxes import box_corners, detection_figure, draw_boxes, precision_recall
from geomdl.plots.confusion import confusion
from geomdl.plots.curves import accuracy_against_angle, accuracy_against_shift, curves, seed_statistics
from geomdl.plots.heatmap import compact, heatmap, truncated
from geomdl.plots.learning_curves import learning_curves
from geomdl.plots.mosaic import filters, labelled, mosaic, raster
from geomdl.plots.segmentation import class_colour, overlay, segmentation_figure
from geomdl.plots.style import GRID, INK, MUTED, Line, figure, line, panel, save, style
from geomdl.plots.tables import (
    Column,
    Row,
    Value,
    distinct,
    draw_table,
    mean_over,
    read_csv,
    scientific,
    to_markdown,
    to_rich,
    write_csv,
)
from geomdl.plots.xo import pipeline

__all__ = [
    "GRID",
    "INK",
    "MUTED",
    "Column",
    "Line",
    "Row",
    "Value",
    "accuracy_against_angle",
    "accuracy_against_shift",
    "box_corners",
    "class_colour",
    "compact",
    "confusion",
    "curves",
    "detection_figure",
    "distinct",
    "draw_boxes",
    "draw_table",
    "figure",
    "filters",
    "heatmap",
    "labelled",
    "learning_curves",
    "line",
    "mean_over",
    "mosaic",
    "overlay",
    "panel",
    "pipeline",
    "precision_recall",
    "raster",
    "read_csv",
    "save",
    "scientific",
    "seed_statistics",
    "segmentation_figure",
    "style",
    "to_markdown",
    "to_rich",
    "truncated",
    "write_csv",
]

__experimental__ = [
    "box_corners", "class_colour", "compact", "detection_figure", "distinct", "draw_boxes", "draw_table", "filters",
    "labelled", "mean_over", "mosaic", "pipeline", "precision_recall", "raster", "seed_statistics", "to_rich",
    "truncated",
]  # fmt: skip
