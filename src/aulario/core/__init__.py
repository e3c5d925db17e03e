"""What every service is made of: units of work, events, inboxes, tenants, errors, the words of HTTP."""
