"""The augmenter and the ways to use it: in scikit-learn, in imbalanced-learn and in torch."""
