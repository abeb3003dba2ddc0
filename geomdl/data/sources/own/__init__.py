"""Images and labels of the user's own: folders, tables of file names, label maps, arrays."""
