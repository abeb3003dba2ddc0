"""Keeps the logs of libraries off the terminal; what matters in them comes back as an error."""


def quiet_libraries() -> None:
    """Silences the absl logger, which Orbax and TensorFlow Datasets write to."""
    from absl import logging

    logging.set_verbosity(logging.FATAL)
