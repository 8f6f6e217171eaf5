"""What a run is: a pydantic schema, and one YAML file per run."""
