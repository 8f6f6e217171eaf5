"""Classifiers of pictures on the features of a frozen backbone: numpy, ONNX, scikit-learn."""
