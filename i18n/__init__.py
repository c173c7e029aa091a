"""German and English texts: the catalogue, how dates and sizes are written, German words for system errors."""
