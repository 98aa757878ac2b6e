"""Vietnamese and English texts and formats that pages, API and notifications share."""
