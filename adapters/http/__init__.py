"""One HTTP request with one deadline for all of it; shared by the adapters that speak HTTP themselves."""
