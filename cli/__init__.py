"""What the office types: commands, and how they ask and print."""
