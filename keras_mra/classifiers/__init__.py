"""Classifiers of the field, and how every arm of a comparison trains one."""
