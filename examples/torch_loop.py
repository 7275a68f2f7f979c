"""Train a small network on scarce digits, with and without synthetic rows: ``python examples/torch_loop.py`` (10 s).

The loop is the same for all loaders: ``augment_loader`` keeps the batch structure and appends a weight to each row. To
pretrain on synthetic rows alone, give the loop a loader of them first and the real rows after.
"""

import torch
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from synthaug import CGAN, SyntheticAugmenter, SyntheticDataset, augment_loader

N_COMMON, N_RARE, RARE_CLASSES = 30, 4, (6, 7, 8, 9)
N_EPOCHS = 40


def scale(image: torch.Tensor) -> torch.Tensor:
    return image.float() / 16


def load() -> tuple[TensorDataset, TensorDataset]:
    """Return training rows, few of the last four classes, and test rows; images (1, 8, 8), uint8 from 0 to 16."""
    images, labels = load_digits(return_X_y=True)
    images, labels = torch.from_numpy(images).byte().reshape(-1, 1, 8, 8), torch.from_numpy(labels)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    counts = [N_RARE if label in RARE_CLASSES else N_COMMON for label in range(10)]
    train = torch.cat([order[labels[order] == label][:n] for label, n in enumerate(counts)])
    test = order[~torch.isin(order, train)]
    return TensorDataset(images[train], labels[train]), TensorDataset(images[test], labels[test])


class Scaled(torch.utils.data.Dataset):
    """Rows with their images scaled to [0, 1], as a training loop wants them."""

    def __init__(self, rows: TensorDataset) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, label = self.rows[index]
        return scale(image), label


def train(loader: DataLoader, network: nn.Module | None = None) -> nn.Module:
    """Train a network, or go on with one, for a number of epochs."""
    torch.manual_seed(0)
    network = network or nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(N_EPOCHS):
        for images, labels, *rest in loader:
            weights = rest[0].float() if rest else torch.ones(len(labels))
            loss = (weights * nn.functional.cross_entropy(network(images), labels, reduction="none")).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network


def score(network: nn.Module, rows: TensorDataset) -> float:
    images, labels = rows.tensors
    return balanced_accuracy_score(labels, network(scale(images)).argmax(1))


def main() -> None:
    rows, test_rows = load()
    # The augmenter learns from raw rows; the loader's transform is applied to what it draws.
    augmenter = SyntheticAugmenter(CGAN(n_steps=300, batch_size=32, width=16), random_state=0).fit(rows)
    loader = DataLoader(Scaled(rows), batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(0))
    mixed = augment_loader(loader, augmenter, synthetic_fraction=0.35, transform=scale, synthetic_weight=0.5)
    print(f"{len(rows)} real rows, {mixed.dataset.n_synthetic} synthetic: {mixed.dataset.synthetic.counts}")
    print(f"balanced accuracy without synthetic rows: {score(train(loader), test_rows):.3f}")
    print(f"balanced accuracy with synthetic rows:    {score(train(mixed), test_rows):.3f}")
    drawn = SyntheticDataset(augmenter, N_COMMON, transform=scale, random_state=0)
    pretrained = train(DataLoader(drawn, batch_size=32, shuffle=True))
    print(f"balanced accuracy, pretrained on them:    {score(train(loader, pretrained), test_rows):.3f}")
    print("One draw of the rows proves nothing: synthaug.compare takes many and says whether it helped.")


if __name__ == "__main__":
    main()
