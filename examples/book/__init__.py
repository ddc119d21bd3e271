"""The programs of the book: `python -m examples.book.listening`, and so on."""
