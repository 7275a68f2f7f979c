"""Synthetic rows in a torch training loop: a Dataset of them, a mix with the real ones, and a new DataLoader."""

from synthaug.augment.torch_data.loader import augment_loader
from synthaug.augment.torch_data.mixed import MixedDataset
from synthaug.augment.torch_data.synthetic import SyntheticDataset

__all__ = ["MixedDataset", "SyntheticDataset", "augment_loader"]
