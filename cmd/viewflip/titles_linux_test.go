package main

import (
	"image"
	"io"
	"strings"
	"testing"
	"unicode"

	"viewflip.app/platform/platformtest"
)

// A title of another program that would command the terminal, or turn the line
// around, does neither: on standard output, in JSON, in errors and in the log.
func TestTitlesReachNoTerminalRaw(t *testing.T) {
	const hostile = "\x1b]0;owned\x07Edi\u202etor\u2066\x9b2J\u200b"
	d := display(t)
	options := platformtest.Options{Title: hostile, Class: "Ev\x1b[31mil", Bounds: image.Rect(50, 50, 250, 200)}
	w := platformtest.NewWindow(t, d.Name(), options)
	check := func(what, text string) {
		t.Helper()
		if !strings.Contains(text, "Editor") {
			t.Errorf("%s does not name the window: %q", what, text)
		}
		for _, r := range text {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
				t.Errorf("%s lets %U out: %q", what, r, text)
				return
			}
		}
	}
	env := []string{"VIEWFLIP_LOG=debug"}
	for _, args := range [][]string{{"windows"}, {"windows", "--json"}} {
		out, err := selfOn(t, d, env, args...).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		check(strings.Join(args, " "), string(out))
	}
	for _, args := range [][]string{{"share", "--window", "Editor"}, {"share", "--window", "Editor", "--json"}} {
		cmd := selfOn(t, d, env, args...)
		var said logs
		cmd.Stderr = &said
		_, out := firstLine(t, cmd)
		w.Close()
		rest, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err, said.String())
		}
		check(strings.Join(args, " "), string(rest))
		check("its log", "Editor "+said.String())
		w = platformtest.NewWindow(t, d.Name(), options)
	}
	platformtest.NewWindow(t, d.Name(), options)
	out, _ := selfOn(t, d, env, "share", "--window", "Edi\u202etor").CombinedOutput()
	check("an error", string(out))
}
