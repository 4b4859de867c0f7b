"""Model files, shipped and untrusted, checked before a library reads them."""
