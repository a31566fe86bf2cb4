package wire_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"viewflip.app/wire"
)

func credentials() wire.RelayCredentials {
	return wire.RelayCredentials{
		URLs: []string{"stun:relay.example.org:7465", "turn:192.0.2.1:7465?transport=udp", "turns:[2001:db8::1]:7465?transport=tcp"},
		User: "1700000000:abcdefghijklmnopqrstuvwxyz", Password: "cGFzc3dvcmQ=", Expires: 1700000000, Pinned: true,
	}
}

func TestRelayURLs(t *testing.T) {
	good := credentials().URLs
	if err := wire.CheckRelayURLs(good); err != nil {
		t.Error(err)
	}
	for _, urls := range [][]string{nil, {}, slices.Repeat(good[:1], wire.MaxRelayURLs+1)} {
		if wire.CheckRelayURLs(urls) == nil {
			t.Error(len(urls), "URLs were taken")
		}
	}
	for _, u := range []string{
		"", "stun", "stun:", "stun:host", "stun:host:0", "stun:host:65536", "stun:host:1?transport=udp", "turn:host:1?transport=sctp", "turn:host:1?",
		"turn:host:1?transport=udp&x=y", "http:host:1", "turn://host:1", "turn:user@host:1", "turn:a b:1", "turn:h\nost:1", "turn:höst:1", "TURN:host:1",
		"turn:" + strings.Repeat("a", 260) + ":1",
	} {
		if wire.CheckRelayURLs([]string{u}) == nil {
			t.Errorf("%q was taken", u)
		}
	}
}

// What ICE would be given is checked on both sides.
func TestRelayCredentials(t *testing.T) {
	good, err := wire.AppendFrame(nil, wire.Frame{ID: 1, Body: credentials()})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *wire.RelayCredentials){
		"no URL":      func(c *wire.RelayCredentials) { c.URLs = nil },
		"wrong URL":   func(c *wire.RelayCredentials) { c.URLs = []string{"ftp:a:1"} },
		"no user":     func(c *wire.RelayCredentials) { c.User = "" },
		"long user":   func(c *wire.RelayCredentials) { c.User = strings.Repeat("a", 129) },
		"two lines":   func(c *wire.RelayCredentials) { c.User = "a\r\nb" },
		"no password": func(c *wire.RelayCredentials) { c.Password = "" },
		"password":    func(c *wire.RelayCredentials) { c.Password = "pä" },
	} {
		c := credentials()
		change(&c)
		if _, err := wire.AppendFrame(nil, wire.Frame{ID: 1, Body: c}); err == nil {
			t.Error(name, "was written")
		}
	}
	for name, change := range map[string]func(b []byte) []byte{
		"scheme":     func(b []byte) []byte { return bytes.Replace(b, []byte("stun:"), []byte("file:"), 1) },
		"space":      func(b []byte) []byte { return bytes.Replace(b, []byte("abc"), []byte("a c"), 1) },
		"control":    func(b []byte) []byte { return bytes.Replace(b, []byte("cGF"), []byte("c\x00F"), 1) },
		"flag":       func(b []byte) []byte { b[len(b)-1] = 2; return b },
		"no expiry":  func(b []byte) []byte { clear(b[len(b)-9 : len(b)-1]); return b },
		"far expiry": func(b []byte) []byte { b[len(b)-9] = 0xff; return b },
		"more URLs":  func(b []byte) []byte { b[5] = 9; return b },
		"none":       func(b []byte) []byte { b[5] = 0; return b },
		"cut":        func(b []byte) []byte { return b[:len(b)-1] },
		"longer":     func(b []byte) []byte { return append(b, 0) },
	} {
		if f, err := wire.ParseFrame(change(bytes.Clone(good))); err == nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
