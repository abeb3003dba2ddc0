"""Finds the images of a gallery that are nearest to queries by the features of a trained network.

  geomdl retrieve --workdir=runs/c4 test --gallery=train --out=retrieved
  geomdl retrieve --workdir=pretrained:eurosat_resnet20_c4 query.png --gallery=tiles/ --out=retrieved

Queries and gallery are images, or splits of the run's own data, as geomdl features takes them; without --gallery the
queries are each other's. The folder --out gets neighbours.csv (for each query the names of its nearest images and
their distances), neighbours.png (queries with their neighbours; green: of the same class) and, where the classes are
known (of splits, and of files in folders named as the classes), metrics.json: mean average precision, precision,
recall and hits among the first k.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from geomdl.cli.support.feature_data import FeatureMaker, Named, add_feature_options, named_data
from geomdl.cli.support.parser import whole
from geomdl.cli.support.path_option import PathOption


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("images", nargs="+", metavar="QUERY", action=PathOption, help="images, or the name of a split")
    parser.add_argument("--gallery", nargs="+", metavar="DATA", action=PathOption, help="what is searched in")
    parser.add_argument("--out", required=True, action=PathOption, help="folder for tables and picture")
    parser.add_argument("--k", type=whole(1, 10**6), default=10, help="neighbours of each query (10)")
    parser.add_argument("--distance", choices=("cosine", "euclidean"), default="cosine", help="of features (cosine)")
    parser.add_argument("--shown", type=whole(1, 100), default=8, help="queries in the picture (8)")
    add_feature_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Searches, and writes what was found."""
    from geomdl.cli.support.quiet import quiet_libraries
    from geomdl.errors import invalid
    from geomdl.evaluators import nearest_neighbours, retrieval_metrics
    from geomdl.plots.tables import write_csv
    from geomdl.training import write_json

    quiet_libraries()
    out = Path(arguments.out)
    if out.suffix or out.is_file():
        raise invalid("--out", arguments.out, "a folder", str(out.with_suffix("")))
    same = arguments.gallery is None
    asked = named_data(arguments.images)
    searched = asked if same else named_data(arguments.gallery)
    maker = FeatureMaker(arguments)
    maker.predictor.inputs.require_images("geomdl retrieve", arguments.workdir)
    queries, left_out = maker.make(asked)
    gallery, more = (queries, []) if same else maker.make(searched)
    for error in (*left_out, *more):
        print(f"geomdl: left out: {error}", file=sys.stderr)
    if not len(queries) or not len(gallery):
        return 2
    k = min(arguments.k, len(gallery) - same)
    found = nearest_neighbours(queries.values, gallery.values, k, distance=arguments.distance, exclude_same=same)
    metrics = None
    if queries.labels is not None and gallery.labels is not None:
        metrics = retrieval_metrics(
            queries.values,
            queries.labels,
            gallery.values,
            gallery.labels,
            k=sorted({1, min(5, k), k}),
            distance=arguments.distance,
            exclude_same=same,
        ).to_dict()
    out.mkdir(parents=True, exist_ok=True)
    rows = [
        {"query": queries.names[i], "rank": rank + 1, "neighbour": gallery.names[j], "distance": float(f"{d:.6g}")}
        for i in range(len(queries))
        for rank, (j, d) in enumerate(zip(found.indices[i], found.distances[i], strict=True))
    ]
    write_csv(out / "neighbours.csv", rows)
    _draw(out / "neighbours.png", arguments.shown, maker, (asked, searched), (queries, gallery), found.indices)
    about = {"features": queries.about["layer"], "moves": queries.about["moves"], "distance": arguments.distance}
    about |= {"gallery": len(gallery)}
    if metrics is not None:
        write_json(out / "metrics.json", {**metrics, **about})
    print(f"{len(queries)} queries in a gallery of {len(gallery)}, by {about['features']}; {about['moves']}")
    for name, value in (metrics or {}).items():
        print(f"  {name:<24} {value:.4g}")
    if metrics is None:
        print("  no metrics: the classes of queries and gallery are not known")
    print(f"written to {out}")
    return 0


def _draw(
    file: Path, shown: int, maker: FeatureMaker, data: tuple[Named, Named], features: tuple[Any, Any], indices: Any
) -> None:
    """A picture of some queries, evenly spread, each with its neighbours beside it."""
    import numpy as np

    from geomdl.plots import labelled, style

    queries, gallery = features
    spread = np.linspace(0, len(queries) - 1, min(shown, len(queries))).round()
    rows = [int(i) for i in np.unique(spread)]
    columns = min(10, indices.shape[1])
    places = indices[rows, :columns]
    first = maker.images(data[0], rows, queries.names)
    others = maker.images(data[1], [int(i) for i in places.ravel()], gallery.names)
    height, width = first[0].shape[:2]
    tiles, texts, right = [], [], []
    known = queries.labels is not None and gallery.labels is not None
    classes = maker.trained.classes
    for row, i in enumerate(rows):
        tiles += [first[row], *others[row * columns : (row + 1) * columns]]
        if known:
            own, there = int(queries.labels[i]), [int(gallery.labels[j]) for j in places[row]]
            texts += [_short(classes[label]) for label in (own, *there)]
            right += [True, *(label == own for label in there)]
    fitted = np.stack([_fitted(tile, (height, width)) for tile in tiles])
    headings = ["query", *(str(rank) for rank in range(1, columns + 1))]
    with style():
        labelled(fitted, columns + 1, headings, texts, right).savefig(file, dpi=200)


def _fitted(image: Any, size: tuple[int, int]) -> Any:
    """An image at a size, nearest pixels."""
    import numpy as np

    rows, columns = (np.arange(n) * m // n for n, m in zip(size, image.shape[:2], strict=True))
    return image[rows][:, columns]


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"
