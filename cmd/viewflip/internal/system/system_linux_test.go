package system

import (
	"log/slog"
	"reflect"
	"testing"

	"viewflip.app/platform"
	"viewflip.app/platform/virtual"
)

// On an X server no part is missing.
func TestX11HasEverything(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	d, err := platform.Open(v.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m := reflect.ValueOf(makersFor(d))
	for i := range m.NumField() {
		if m.Field(i).IsNil() {
			t.Error(m.Type().Field(i).Name, "has no constructor")
		}
	}
	s := New(d, func(string) string { return "" }, slog.New(slog.DiscardHandler))
	defer s.Close()
	lines := map[string]int{}
	for _, c := range s.Lines(t.Context(), nil) {
		lines[c.Name]++
		if !c.OK && c.Name != "lock and sleep" { // there may be no bus
			t.Errorf("%+v", c)
		}
	}
	for _, p := range (makers{}).parts() {
		if lines[p.name] != 1 {
			t.Errorf("%q has %d lines", p.name, lines[p.name])
		}
	}
	if s.Cursors() == nil || s.Hands() == nil || s.Desks() == nil || s.Clipboard() == nil {
		t.Error("something is missing")
	}
}
