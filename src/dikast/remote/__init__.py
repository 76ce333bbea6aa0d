"""A reward that is served elsewhere (`dikast serve`), to be used like one that is opened here."""
