"""The web page and the HTTP interface of a model, on the predictors of `inference`."""
