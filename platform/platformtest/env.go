package platformtest

import (
	"testing"

	"viewflip.app/platform/x11"
)

// Use makes a display the one of the environment until the test ends, for what
// takes it from there: programs, and C libraries in this process.
func Use(t testing.TB, display string) {
	t.Helper()
	name, authority := x11.SplitAuthority(display)
	t.Setenv("DISPLAY", name)
	if authority != "" {
		t.Setenv("XAUTHORITY", authority)
	}
}

// Env is the environment of a program on a display, to be put behind another.
func Env(display string) []string {
	name, authority := x11.SplitAuthority(display)
	if authority == "" {
		return []string{"DISPLAY=" + name}
	}
	return []string{"DISPLAY=" + name, "XAUTHORITY=" + authority}
}
