"""Jobs: work that outlasts a request. A queue on disk, the processes it knows, a runner that works it off, and what is uploaded for it."""
