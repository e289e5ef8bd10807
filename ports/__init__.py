"""The ports: what the domain needs of the world, as Protocols in the domain's own words."""
