"""What a run is: a pydantic schema and one YAML file a run."""
