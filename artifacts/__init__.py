"""What every room reads and writes files with: whole or absent, listed, locked, in UTF-8."""
