"""Linear maps between fields: convolutions, dense and locally connected layers, attention."""
