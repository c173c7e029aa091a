"""Work beside the web server: a worker thread and its periodic tasks."""
