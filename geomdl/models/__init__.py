"""Networks made of layers."""

from geomdl.models.convolutional import CNNConfig, GCNNConfig, TranslationInvariantConfig
from geomdl.models.fully_connected import LinearConfig, LocalConfig, MLPConfig, PerceptronConfig, perceptron_update
from geomdl.models.model_config import ModelConfig, count_parameters
from geomdl.models.summary import Summary, summarize

MODELS: dict[str, type[ModelConfig]] = {
    "linear": LinearConfig,
    "perceptron": PerceptronConfig,
    "mlp": MLPConfig,
    "local": LocalConfig,
    "cnn": CNNConfig,
    "ti_cnn": TranslationInvariantConfig,
    "gcnn": GCNNConfig,
}
"""Every model by name; its dataclass fields are the keys that ``config.model`` takes."""

__all__ = [
    "MODELS", "CNNConfig", "GCNNConfig", "LinearConfig", "LocalConfig", "MLPConfig", "ModelConfig", "PerceptronConfig",
    "Summary", "TranslationInvariantConfig", "count_parameters", "perceptron_update", "summarize",
]  # fmt: skip
