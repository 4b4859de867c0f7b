"""Files of models: the shipped ones and those of strangers, checked before a library reads them."""
