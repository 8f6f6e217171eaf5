"""Classifiers of images: planes of any kind through a backbone into one answer."""
