"""All that services share: their events, their data and the questions they answer, one module a service."""
