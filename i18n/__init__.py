"""German and English: translation, formats of dates and sizes, system errors in German."""
