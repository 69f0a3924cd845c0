"""First floor: what was seen. Spells, counts, the design matrix, and the ledger of every record."""
