"""From one layer's bytes to its entries."""
