package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"viewflip.app/cmd/viewflip/internal/demo"
	"viewflip.app/platform/platformtest"
)

// colors counts the pixels of a picture by colour.
func colors(t *testing.T, path string) map[color.RGBA]int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds() != image.Rect(0, 0, demo.Width, demo.Height) {
		t.Error(path, "is", img.Bounds())
	}
	n := map[color.RGBA]int{}
	for y := range demo.Height {
		for x := range demo.Width {
			n[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	return n
}

// The demo works without a display, keeps pictures, and leaves nothing else.
func TestDemo(t *testing.T) {
	t.Setenv(asProgram, "1")
	t.Setenv("DISPLAY", "")
	t.Setenv("TMPDIR", t.TempDir())
	var out, errs bytes.Buffer
	w := testWorld(t, nil)
	w.Stdout, w.Stderr = &out, &errs
	before := len(children(t, os.Getpid()))
	dir := filepath.Join(t.TempDir(), "new")
	if code := run(t.Context(), w, []string{"demo", "--out", dir}); code != exitOK || errs.Len() != 0 {
		t.Fatal(code, out.String(), errs.String())
	}
	for _, fact := range []string{"equals the window's own pixels", "executed it", "p95", "(31 keys)", dir} {
		if !strings.Contains(out.String(), fact) {
			t.Errorf("%q is not in %q", fact, out.String())
		}
	}
	notes := color.RGBA{0x6b, 0x27, 0x37, 255}
	terminal := color.RGBA{0x1c, 0x20, 0x26, 255}
	sharer, viewer := colors(t, filepath.Join(dir, "sharer.png")), colors(t, filepath.Join(dir, "viewer.png"))
	if sharer[notes] == 0 || viewer[notes] != 0 {
		t.Errorf("the notes cover %d pixels at the sharer and %d at the viewer", sharer[notes], viewer[notes])
	}
	if sharer[terminal] == 0 || viewer[terminal] <= sharer[terminal] {
		t.Errorf("the terminal has %d pixels at the sharer and %d at the viewer", sharer[terminal], viewer[terminal])
	}
	if n := len(children(t, os.Getpid())); n != before {
		t.Errorf("%d children were left", n-before)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Error("files were left:", left, err)
	}
}

// writer calls itself at every write.
type writer func()

func (w writer) Write(p []byte) (int, error) { w(); return len(p), nil }

// However the demo ends, everything that it started ends.
func TestDemoGivenUp(t *testing.T) {
	t.Setenv(asProgram, "1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := testWorld(t, nil)
	before, during := len(children(t, os.Getpid())), 0
	w.Stdout = writer(func() {
		during = len(children(t, os.Getpid()))
		cancel()
	})
	if code := run(ctx, w, []string{"demo", "--out", t.TempDir()}); code != exitOK {
		t.Error("exit code", code)
	}
	if during <= before {
		t.Error("the demo ended before it began")
	}
	platformtest.Eventually(t, "the children's end", func() bool { return len(children(t, os.Getpid())) == before })
}

// What is missing is named together with its package.
func TestDemoNeedsPrograms(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var errs bytes.Buffer
	w := testWorld(t, nil)
	w.Stderr = &errs
	code := run(t.Context(), w, []string{"demo"})
	if code != exitError || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), "apt-get install xvfb openbox xterm") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}
