"""A package, because some distribution that evalplus brings installs a `tests` of its own."""
