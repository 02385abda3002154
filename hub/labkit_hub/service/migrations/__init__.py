"""Steps of the service's tables from one version to the next, run at each start of the service."""
