"""fastload beside the loaders that people use instead: same images, same crops, same output, same threads.

``command.run`` is the whole of ``fastload bench``. It lays the images out for everybody (``images``), and for
each peer and round starts a fresh process (``process`` starts it, ``worker`` is it), which checks what the
peer makes (``check``) or times it (``measure``). ``results`` holds what came out; ``table`` and ``chart``
show it.
"""
