package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
)

// On a Wayland desktop that only the X server knows of there is no gate, no
// clipboard, and doctor says so.
func TestNoControlOnXwayland(t *testing.T) {
	for _, compositor := range platformtest.Compositors() {
		t.Run(compositor, func(t *testing.T) {
			display := platformtest.Xwayland(t, compositor)
			platformtest.Bare(t)
			platformtest.Use(t, display)
			d, err := platform.Open("", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			sys := system.New(d, testWorld(t, nil).Getenv, slog.New(slog.DiscardHandler))
			if app.Gates(sys) != nil {
				t.Error("there are gates")
			}
			if sys.Clipboard() != nil {
				t.Error("there is a clipboard")
			}
			var out bytes.Buffer
			w := testWorld(t, nil)
			w.Stdout = &out
			if code := run(t.Context(), w, []string{"doctor"}); code != exitOK {
				t.Error("doctor ends with", code)
			}
			for _, line := range []string{"control", "second cursor"} {
				if !strings.Contains(out.String(), "missing  "+line+" ") {
					t.Errorf("doctor misses no %s:\n%s", line, out.String())
				}
			}
		})
	}
}
