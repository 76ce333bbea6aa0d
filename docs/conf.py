"""How the manual is built: `make docs`."""

project = "dikast"
html_title = "dikast"
html_theme = "furo"
extensions = ["myst_parser"]
root_doc = "README"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
