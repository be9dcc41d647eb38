"""A shop: it sells, takes back, and lets Laurels know."""
