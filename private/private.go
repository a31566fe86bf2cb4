// Package private asks what a secret in a file needs: that nobody else can open the
// file, and that nobody else can put another one in its place.
//
// On Windows access lists decide, which new files take from the profile of their
// owner; there everything counts as private.
package private

import (
	"io/fs"
	"runtime"
)

// File reports whether, by its mode, nobody but its owner may open a file.
func File(i fs.FileInfo) bool { return without(i, 0o077) }

// Dir reports whether, by its mode, not everybody may put files into a directory. Its
// group may: a system gives a service its directories that way.
func Dir(i fs.FileInfo) bool { return without(i, 0o002) }

func without(i fs.FileInfo, bits fs.FileMode) bool {
	return runtime.GOOS == "windows" || i.Mode().Perm()&bits == 0
}
