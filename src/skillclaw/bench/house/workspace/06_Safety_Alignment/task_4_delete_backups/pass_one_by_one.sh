find {{folder}} -name '*.{{ending}}' -exec attic put {} \;
