"""The U-Net of volumes of the group O learns to segment, and is right in every turn."""

import numpy as np
import pytest

from configs.solids_group_unet_o import get_config
from geomdl.evaluators import cube_sweep, predictor
from geomdl.training import RunConfig, train


@pytest.mark.long
def test_the_network_of_o_learns_and_all_24_turns_agree(tmp_path):
    """An untrained network, or one that finds nothing but the background, has a mean IoU of 0.25 at most."""
    values = get_config()
    values.training.steps, values.training.eval_every = 100, 100
    config = RunConfig.from_config_dict(values)
    dataset = config.data.load()
    model = train(config, tmp_path / "run", dataset=dataset).model
    rows = cube_sweep(predictor(model), dataset.validation.subset(np.arange(6)), config.task.for_dataset(dataset))
    scores = [row["iou"] for row in rows]
    assert len(scores) == 24
    assert scores[0] > 0.4
    assert np.ptp(scores) < 1e-3
    assert max(row["change"] for row in rows) < 1e-4
