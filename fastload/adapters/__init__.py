"""fastload in other people's pipelines and training loops: a module each, which alone imports the other."""
