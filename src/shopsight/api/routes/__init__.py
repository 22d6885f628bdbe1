"""One module per resource; each makes a router from the parts of an application."""
