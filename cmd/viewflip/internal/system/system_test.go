package system

import (
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"viewflip.app/capture"
	"viewflip.app/platform"
)

// nowhere is a system that has nothing.
func nowhere() *System {
	return New(nil, func(string) string { return "" }, slog.New(slog.DiscardHandler))
}

// Each part of the table has one sentence in doctor, and no two have the same.
func TestEveryPartHasItsLine(t *testing.T) {
	fields := reflect.TypeFor[makers]()
	if n := len(makers{}.parts()); n != fields.NumField() {
		t.Fatalf("%d parts have a line, of %d", n, fields.NumField())
	}
	seen := map[string]string{}
	for i := range fields.NumField() {
		var m makers
		f := reflect.NewAt(fields.Field(i).Type, reflect.ValueOf(&m).Elem().Field(i).Addr().UnsafePointer()).Elem()
		f.Set(reflect.MakeFunc(f.Type(), func([]reflect.Value) []reflect.Value { panic("not called") }))
		for _, p := range m.parts() {
			if !p.has {
				continue
			}
			if other, twice := seen[p.name]; twice {
				t.Errorf("%s and %s have the line %q", other, fields.Field(i).Name, p.name)
			}
			seen[p.name] = fields.Field(i).Name
			if p.works == "" || p.lacks == "" || strings.ContainsAny(p.works+p.lacks, ".\n") {
				t.Errorf("%s: no plain sentence: %q, %q", p.name, p.works, p.lacks)
			}
		}
	}
	if len(seen) != fields.NumField() {
		t.Errorf("only %v have a line", seen)
	}
}

// On a system without parts, doctor names each, and nothing of a call is made.
func TestSystemThatHasNothing(t *testing.T) {
	s := nowhere()
	missing := map[string]bool{}
	for _, c := range s.Lines(t.Context(), platform.ErrUnsupported) {
		if !c.OK {
			missing[c.Name] = true
		}
		if c.Detail == "" || strings.Contains(c.Detail, "platform:") {
			t.Errorf("%+v", c)
		}
	}
	for _, p := range (makers{}).parts() {
		if !missing[p.name] {
			t.Errorf("doctor does not say that %q is missing", p.name)
		}
	}
	if !missing["display server"] {
		t.Error("doctor does not say that this operating system is not supported")
	}
	if s.Desktop() != nil || s.Cursors() != nil || s.Hands() != nil || s.Desks() != nil || s.Clipboard() != nil {
		t.Error("something is there")
	}
	if _, err := s.Capture(t.Context(), platform.NewWindowID(1), capture.Options{}); !errors.Is(err, platform.ErrNoDisplay) {
		t.Error("capture:", err)
	}
	if _, err := s.Overlay(platform.NewWindowID(1)); !errors.Is(err, platform.ErrUnsupported) {
		t.Error("overlay:", err)
	}
	if _, err := s.Panic(); !errors.Is(err, platform.ErrUnsupported) {
		t.Error("panic key:", err)
	}
	s.Close()
}

// Of a display that cannot be opened now nothing is said but that.
func TestNoDisplayHasOneLine(t *testing.T) {
	var names []string
	for _, c := range nowhere().Lines(t.Context(), platform.ErrNoDisplay) {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, ", "); got != "display server, lock and sleep" {
		t.Error(got)
	}
}
