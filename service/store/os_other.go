//go:build !unix

package store

// private is for systems with modes; elsewhere the directory's access list
// decides.
func private(string) error { return nil }

// syncDir is for systems where a directory is a file; elsewhere a rename lasts.
func syncDir(string) error { return nil }
