"""Models of body parts: their predictor, what is drawn, and the model as a function."""
