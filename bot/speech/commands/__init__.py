"""What the speech commands print and measure."""
