"""Models in the languages of others: CPMpy, and the file formats that it and the field's tools read."""
