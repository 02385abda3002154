"""The `labkit` service of the hub: queue, people, metrics and admin pages behind one REST API."""
