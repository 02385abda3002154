-- The service keeps its own database: the hub's own migrations never meet ours.
CREATE DATABASE labkit;
