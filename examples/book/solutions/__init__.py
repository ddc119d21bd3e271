"""Solutions of the book's exercises; the tests play them."""
