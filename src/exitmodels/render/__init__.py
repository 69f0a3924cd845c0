"""Ground floor: arrays in, text or axes out; no statistics here."""
