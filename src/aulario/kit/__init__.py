"""Pure helpers with no business in them."""
