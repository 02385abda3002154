"""The hub's service seen from outside: wire models and a client, shared by command line, extension and hub runner."""
