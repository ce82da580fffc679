"""fastload: exact, fast image data loading for PyTorch."""
