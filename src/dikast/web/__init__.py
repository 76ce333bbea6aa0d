"""Pages for the browser of whoever runs the command: on this machine only, with nothing from elsewhere."""
