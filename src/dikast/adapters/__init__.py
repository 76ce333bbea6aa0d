"""A reward in the shape that a trainer wants. One file a trainer, imported only when used."""
