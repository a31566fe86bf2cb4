// A package with assembly may declare functions without a body, which go:linkname needs.
