# Takes the registry's addresses out of a uv.lock and leaves names, versions and hashes (docs/decisions/0002).
s/registry = "[^"]*"/registry = ""/
s/url = "[^"]*\/([^"\/]+\.whl)"/filename = "\1"/
s/^sdist = \{ url = "[^"]*", /sdist = { /
