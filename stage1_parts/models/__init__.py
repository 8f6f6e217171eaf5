"""The networks of body parts, a file each; `registry` lists them."""
