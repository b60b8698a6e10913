"""OGC API around the data: the service's own OpenAPI 3.0.3 document, links, formats, conditional answers and pages for people."""
