"""Facts and how they get in and out."""
