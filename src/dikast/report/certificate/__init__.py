"""The certificate as a page that somebody can read who knows no statistics."""
