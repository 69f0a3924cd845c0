"""Third floor: how we reason. Each folder is a room; rooms do not import one another."""
