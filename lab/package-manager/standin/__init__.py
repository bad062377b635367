"""Lab stand-in for Posit Package Manager. Written for rehost's lab; it is not the vendor's product."""
