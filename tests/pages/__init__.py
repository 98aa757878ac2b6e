"""Pages made for this project, sized like the portals it watches; written by code, the same bytes every time."""
