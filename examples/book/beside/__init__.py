"""The book's calls with the official client: `python -m examples.book.beside.leaving`, …"""
