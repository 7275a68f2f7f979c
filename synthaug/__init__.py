"""synthaug: learn a conditional generator from few labelled rows, mix its samples into training, prove whether they
helped.

The public names are loaded when they are first asked for, so importing synthaug imports neither MLflow nor matplotlib
nor albumentations.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthaug._version import __version__
    from synthaug.augment.augmenter import SyntheticAugmenter
    from synthaug.augment.classifier import AugmentedClassifier
    from synthaug.augment.mix import Mix
    from synthaug.augment.quality import assess_quality, audit_copies
    from synthaug.augment.sampler import SyntheticSampler
    from synthaug.augment.teachers import fit_teachers
    from synthaug.augment.torch_data import MixedDataset, SyntheticDataset, augment_loader
    from synthaug.data.near_duplicates import near_duplicate_groups
    from synthaug.data.readers import read_images
    from synthaug.data.rules import Fixed, LessOrEqual
    from synthaug.data.writers import write_images
    from synthaug.errors import SynthaugError, SynthaugWarning
    from synthaug.experiment.compare import compare
    from synthaug.experiment.comparison import Comparison
    from synthaug.experiment.convnet import ConvNetClassifier
    from synthaug.experiment.designs import Draws, Folds
    from synthaug.experiment.frozen_features import FrozenFeatures
    from synthaug.experiment.pretrained import PretrainedClassifier
    from synthaug.experiment.tracking.callback import MlflowCallback
    from synthaug.experiment.training_page import training_page
    from synthaug.generators.cgan import CGAN
    from synthaug.generators.copula import Copula
    from synthaug.generators.latent_gan import LatentGAN
    from synthaug.generators.vae import VAE

_HOMES = {
    "AugmentedClassifier": "synthaug.augment.classifier",
    "CGAN": "synthaug.generators.cgan",
    "Copula": "synthaug.generators.copula",
    "Comparison": "synthaug.experiment.comparison",
    "ConvNetClassifier": "synthaug.experiment.convnet",
    "Draws": "synthaug.experiment.designs",
    "Fixed": "synthaug.data.rules",
    "Folds": "synthaug.experiment.designs",
    "FrozenFeatures": "synthaug.experiment.frozen_features",
    "LatentGAN": "synthaug.generators.latent_gan",
    "LessOrEqual": "synthaug.data.rules",
    "Mix": "synthaug.augment.mix",
    "MixedDataset": "synthaug.augment.torch_data",
    "MlflowCallback": "synthaug.experiment.tracking.callback",
    "PretrainedClassifier": "synthaug.experiment.pretrained",
    "SynthaugError": "synthaug.errors",
    "SynthaugWarning": "synthaug.errors",
    "SyntheticAugmenter": "synthaug.augment.augmenter",
    "SyntheticDataset": "synthaug.augment.torch_data",
    "SyntheticSampler": "synthaug.augment.sampler",
    "VAE": "synthaug.generators.vae",
    "__version__": "synthaug._version",
    "assess_quality": "synthaug.augment.quality",
    "audit_copies": "synthaug.augment.quality",
    "augment_loader": "synthaug.augment.torch_data",
    "compare": "synthaug.experiment.compare",
    "fit_teachers": "synthaug.augment.teachers",
    "near_duplicate_groups": "synthaug.data.near_duplicates",
    "read_images": "synthaug.data.readers",
    "training_page": "synthaug.experiment.training_page",
    "write_images": "synthaug.data.writers",
}

__all__ = [
    "AugmentedClassifier",
    "CGAN",
    "Comparison",
    "ConvNetClassifier",
    "Copula",
    "Draws",
    "Fixed",
    "Folds",
    "FrozenFeatures",
    "LatentGAN",
    "LessOrEqual",
    "Mix",
    "MixedDataset",
    "MlflowCallback",
    "PretrainedClassifier",
    "SynthaugError",
    "SynthaugWarning",
    "SyntheticAugmenter",
    "SyntheticDataset",
    "SyntheticSampler",
    "VAE",
    "__version__",
    "assess_quality",
    "audit_copies",
    "augment_loader",
    "compare",
    "fit_teachers",
    "near_duplicate_groups",
    "read_images",
    "training_page",
    "write_images",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'synthaug' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
