"""Connectors and apps that speak the contract of `hub.sdk`: one folder each, all with the same file names."""
