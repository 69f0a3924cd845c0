"""Ground floor: arrays in, arrays out. Files are named for operations, not for models."""
