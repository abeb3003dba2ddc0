"""From a config to a trained model: optimisers, the step, the loop, checkpoints, the work directory of a run.

``train(config, workdir)`` trains the model of a :class:`RunConfig` or goes on with a run that was stopped;
``load_trained(workdir)`` reads it back. Nothing is imported before it is used, so that what lists runs or reads a
config does not wait for JAX.
"""

from typing import TYPE_CHECKING

from geomdl.lazy import lazy_names

if TYPE_CHECKING:
    from geomdl.environment import hardware, versions
    from geomdl.training.checkpoints.checkpoint import CheckpointError, Checkpoints, SaveFailed
    from geomdl.training.configuration.config import RunConfig, TrainingConfig
    from geomdl.training.configuration.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Momentum, OptimizerConfig
    from geomdl.training.configuration.schedules import (
        SCHEDULES,
        Constant,
        Cosine,
        Exponential,
        ScheduleConfig,
        Step,
        WarmRestarts,
    )
    from geomdl.training.distributed.parallel import ParallelConfig, Strategy
    from geomdl.training.distributed.processes import DistributedError
    from geomdl.training.loop.imported import save_as_run
    from geomdl.training.loop.input import InputFailed
    from geomdl.training.loop.interruption import Interrupted
    from geomdl.training.loop.loop import Result, train
    from geomdl.training.loop.parts import build_model
    from geomdl.training.loop.trained import Trained, load_trained, save_compact
    from geomdl.training.reporting.profile import Profiler
    from geomdl.training.reporting.run_progress import RunProgress
    from geomdl.training.reporting.run_report import write_report
    from geomdl.training.reporting.runs import Run, find_runs, read_run
    from geomdl.training.reporting.writers import (
        JsonlWriter,
        Progress,
        ProgressBar,
        TensorBoardWriter,
        Writer,
        read_metrics,
    )
    from geomdl.training.step.compute import Compute
    from geomdl.training.step.nonfinite import TrainingDiverged
    from geomdl.training.step.packing import Packing, packing_of
    from geomdl.training.step.state import TrainState, initial_state, merge_model, split_model
    from geomdl.training.step.step import TrainStep, make_apply, make_train_step
    from geomdl.training.step.treatment import Treatment
    from geomdl.training.workdir.json_file import write_json
    from geomdl.training.workdir.workdir import Workdir, WorkdirError, read_config

_MODULES = {
    "checkpoints.checkpoint": ("CheckpointError", "Checkpoints", "SaveFailed"),
    "configuration.config": ("RunConfig", "TrainingConfig"),
    "configuration.optimizers": ("OPTIMIZERS", "SGD", "Adam", "AdamW", "Momentum", "OptimizerConfig"),
    "configuration.schedules": (
        "SCHEDULES",
        "Constant",
        "Cosine",
        "Exponential",
        "ScheduleConfig",
        "Step",
        "WarmRestarts",
    ),
    "distributed.parallel": ("ParallelConfig", "Strategy"),
    "distributed.processes": ("DistributedError",),
    "loop.imported": ("save_as_run",),
    "loop.input": ("InputFailed",),
    "loop.interruption": ("Interrupted",),
    "loop.loop": ("Result", "train"),
    "loop.parts": ("build_model",),
    "loop.trained": ("Trained", "load_trained", "save_compact"),
    "reporting.profile": ("Profiler",),
    "reporting.run_progress": ("RunProgress",),
    "reporting.run_report": ("write_report",),
    "reporting.runs": ("Run", "find_runs", "read_run"),
    "reporting.writers": ("JsonlWriter", "Progress", "ProgressBar", "TensorBoardWriter", "Writer", "read_metrics"),
    "step.compute": ("Compute",),
    "step.nonfinite": ("TrainingDiverged",),
    "step.packing": ("Packing", "packing_of"),
    "step.state": ("TrainState", "initial_state", "merge_model", "split_model"),
    "step.step": ("TrainStep", "make_apply", "make_train_step"),
    "step.treatment": ("Treatment",),
    "workdir.json_file": ("write_json",),
    "workdir.workdir": ("Workdir", "WorkdirError", "read_config"),
    "geomdl.environment": ("hardware", "versions"),
}

if not TYPE_CHECKING:  # or a checker would take every name for one of this package
    __getattr__, __dir__ = lazy_names(__name__, _MODULES)

__all__ = [
    "OPTIMIZERS", "SCHEDULES", "SGD", "Adam", "AdamW", "CheckpointError", "Checkpoints", "Compute", "Constant",
    "Cosine", "DistributedError", "Exponential", "InputFailed", "Interrupted", "JsonlWriter", "Momentum",
    "OptimizerConfig", "Packing", "ParallelConfig", "Profiler", "Progress", "ProgressBar", "Result", "Run",
    "RunConfig", "RunProgress", "SaveFailed", "ScheduleConfig", "Step", "Strategy", "TensorBoardWriter",
    "TrainState", "TrainStep", "Trained", "TrainingConfig", "TrainingDiverged", "Treatment", "WarmRestarts",
    "Workdir", "WorkdirError", "Writer", "build_model", "find_runs", "hardware", "initial_state", "load_trained",
    "make_apply", "make_train_step", "merge_model", "packing_of", "read_config", "read_metrics", "read_run",
    "save_as_run", "save_compact", "split_model", "train", "versions", "write_json", "write_report",
]  # fmt: skip

__experimental__ = [
    "Checkpoints", "Compute", "JsonlWriter", "Packing", "Profiler", "Progress", "ProgressBar", "Run", "RunProgress",
    "Strategy", "TensorBoardWriter", "TrainState", "TrainStep", "Treatment", "Workdir", "Writer", "find_runs",
    "hardware", "initial_state", "make_apply", "make_train_step", "merge_model", "packing_of", "read_run",
    "save_compact", "split_model", "versions", "write_json", "write_report", "save_as_run",
]  # fmt: skip
