package viewflip_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"image"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"viewflip.app/video"
	"viewflip.app/video/tile"
	"viewflip.app/video/vpx"
	"viewflip.app/wire"
)

// examples reads the fenced blocks of docs/protocol.md that have a name: "hex
// NAME" holds bytes, with comments behind #, and "text NAME" one line.
func examples(t *testing.T) map[string][]byte {
	t.Helper()
	doc, err := os.ReadFile("docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	kind, name := "", ""
	for line := range strings.Lines(string(doc)) {
		line = strings.TrimSpace(line)
		if fence, ok := strings.CutPrefix(line, "```"); ok {
			kind, name, _ = strings.Cut(fence, " ")
			if name != "" && out[name] != nil {
				t.Fatalf("two examples are called %q", name)
			}
			continue
		}
		switch kind {
		case "text":
			if len(out[name]) > 0 {
				line = " " + line
			}
			out[name] = append(out[name], line...)
		case "hex":
			digits, _, _ := strings.Cut(line, "#")
			b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
			if err != nil {
				t.Fatalf("example %q: %v", name, err)
			}
			out[name] = append(out[name], b...)
		}
	}
	delete(out, "")
	return out
}

// fixed is the identity that the document makes of 64 equal bytes.
func fixed(t *testing.T, b byte) *wire.Identity {
	t.Helper()
	id, err := wire.NewIdentity(bytes.NewReader(bytes.Repeat([]byte{b}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func filled[T [16]byte | [32]byte](b byte) (out T) {
	for i := range len(out) {
		out[i] = b
	}
	return out
}

// The examples of docs/protocol.md are what the code makes and takes.
func TestProtocolDocument(t *testing.T) {
	anna, ben := fixed(t, 1), fixed(t, 2)
	invite, pair := wire.InviteID(filled[[16]byte](0x11)), filled[[16]byte](0x22)
	secret := wire.NewSecret(filled[[32]byte](0x33))
	pin, nonce, reply := filled[[32]byte](0x44), filled[[32]byte](0x55), filled[[32]byte](0x66)
	knock := wire.SignKnock(wire.Knock{Invite: invite, Device: ben.Public(), Name: "Ben", Nonce: nonce}, secret, anna.Public())
	agreed := wire.PairID(nonce, reply)
	link := wire.Link{
		Service: wire.Service{Addrs: []string{"192.0.2.1:7465", "[2001:db8::1]:7465"}, Pin: pin},
		Invite:  invite, Inviter: anna.Public().Address(), Secret: secret,
	}
	spot := func(x, y int) wire.Spot { return wire.Spot{X: wire.Fraction(x, 640), Y: wire.Fraction(y, 480)} }
	address := anna.Public().Address()
	want := map[string][]byte{
		"device-anna":  anna.Public().Append(nil),
		"device-ben":   ben.Public().Append(nil),
		"address-anna": address[:],
		"link":         []byte(link.String()),
		"service":      []byte(link.Service.URL()),
		"proof":        anna.Sign(wire.ProofBytes(pin, nonce, anna.Public())),
		"mac":          knock.MAC[:],
		"pair":         agreed[:],
	}
	for name, m := range map[string]wire.Message{
		"hello":        wire.Hello{Version: wire.PeerVersion, Name: "Ada"},
		"share-opened": wire.ShareOpened{Share: 1, Title: "Notes", App: "xed", W: 640, H: 480, Gen: 2, Track: "share-1"},
		"share-changed": wire.ShareChanged{
			Share: 1, Title: "Notes", W: 640, H: 512, Gen: 2, Hidden: true, Main: wire.Rect{W: 640, H: 480},
			Surfaces: []wire.Surface{{ID: 7, Kind: wire.SurfaceMenu, Bounds: wire.Rect{X: 32, Y: 24, W: 128, H: 488}}},
		},
		"share-closed": wire.ShareClosed{Share: 1, Reason: wire.CloseWindow},
		"watch":        wire.Watch{Share: 1, On: true},
		"ask":          wire.Ask{Share: 1, Rights: wire.RightSee | wire.RightPoint | wire.RightControl},
		"granted":      wire.Granted{Share: 1, Rights: wire.RightSee | wire.RightPoint, Answer: true},
		"granted-timed": wire.Granted{
			Share: 1, Rights: wire.RightSee | wire.RightPoint | wire.RightControl,
			Ends: wire.Ends{2: {Term: wire.Timed, Left: wire.TimedFor}},
		},
		"give-back":       wire.GiveBack{Share: 1, Rights: wire.RightControl},
		"paste":           wire.Paste{Share: 1, Clip: wire.Clip{Kind: wire.ClipText, Total: 2, Data: []byte("hi")}},
		"copied":          wire.Copied{Share: 1, Clip: wire.Clip{Kind: wire.ClipPNG, Total: 16 << 10, Offset: 12 << 10, Data: []byte{0xff}}},
		"refused":         wire.Refused{Share: 1, Seq: 7, Reason: wire.Covered},
		"ack":             wire.Ack{Share: 1, Timestamp: 90000, Held: 1500},
		"bye":             wire.Bye{Reason: wire.ByeLeft},
		"press":           wire.Input{Kind: wire.Press, Share: 1, Gen: 2, Seq: 7, X: wire.Fraction(320, 640), Y: wire.Fraction(0, 480), Button: wire.Left},
		"point":           wire.Point{Share: 1, Gen: 2, Seq: 3, At: spot(320, 0), On: true},
		"stroke":          wire.Stroke{Share: 1, Gen: 2, ID: 1, Step: wire.StrokeBegin, Spots: []wire.Spot{spot(320, 0), spot(321, 1)}},
		"guest-point":     wire.GuestPoint{Share: 1, Name: "Ben", Seq: 9, At: spot(320, 0), On: true},
		"guest-stroke":    wire.GuestStroke{Share: 1, ID: 1, Step: wire.StrokeEnd},
		"guest-number":    wire.GuestNumber{Share: 1, Guest: 1},
		"cursor-shape":    wire.CursorShape{Share: 1, W: 1, H: 1, Parts: 1, Data: []byte{1, 4, 0, 0xfb, 0xff, 255, 0, 0, 255}},
		"cursor-position": wire.CursorPosition{Share: 1, Seq: 9, At: spot(320, 0), On: true},
		"measure":         wire.Measure{Share: 1},
		"check":           wire.Check{Share: 1},
		"measured":        measured(),
		"key-down":        wire.Input{Kind: wire.KeyDown, Share: 1, Gen: 2, Seq: 8, Key: 4, Repeat: true, Mods: wire.ModShift, Rune: 'Ф'},
		"text":            wire.Input{Kind: wire.Text, Share: 1, Gen: 2, Seq: 9, Text: "日本"},
	} {
		b, err := wire.AppendMessage(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = b
	}
	for name, f := range map[string]wire.Frame{
		"frame-lookup": {ID: 9, Body: wire.Lookup{Invite: invite}},
		"frame-send":   {ID: 10, Body: wire.Send{To: anna.Public().Address(), Sealed: []byte("sealed")}},
		"frame-relay":  {ID: 11, Body: wire.Relay{Invite: invite}},
		"frame-relay-credentials": {ID: 11, Body: wire.RelayCredentials{
			URLs: []string{"turns:192.0.2.1:7465?transport=tcp"}, User: "1700000000:abcdefghijklmnopqrstuvwxyz",
			Password: "c2VjcmV0", Expires: 1700000000, Pinned: true,
		}},
		"frame-error": {ID: 10, Body: wire.Error{Code: wire.CodeOffline}},
	} {
		b, err := wire.AppendFrame(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = b
	}
	got := examples(t)
	maps.Copy(want, accountExamples(t, got))
	checkSealed(t, got, ben, anna, wire.Envelope{Pair: pair, Seq: 1, Body: wire.NeedMedia{Lines: 2}})
	checkTiles(t, got)
	checkKeys(t, got)
	if pix, err := wire.UnpackCursor(got["cursor-shape"][20:], 4); err != nil || !bytes.Equal(pix, []byte{255, 0, 0, 255}) {
		t.Error("the pixel of the example is", pix, err)
	}
	for name, b := range want {
		if !bytes.Equal(got[name], b) {
			t.Errorf("example %q is %x, the code makes %x (%q)", name, got[name], b, b)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("example %q is not known to this test", name)
	}
}

// measured is the example of an answer about latency.
func measured() wire.Measured {
	us := func(p50, p95 time.Duration) wire.Spread {
		return wire.Spread{P50: p50 * time.Microsecond, P95: p95 * time.Microsecond}
	}
	return wire.Measured{
		Share: 1, Capture: us(100, 500), Wait: us(5, 10), Encode: us(200, 1000), Network: us(500, 3000),
		Echoes: []wire.Echo{{Seq: 8, Timestamp: 90000}},
	}
}

// checkSealed opens the sealed example; sealing is random, so it cannot be
// made anew.
func checkSealed(t *testing.T, got map[string][]byte, from, to *wire.Identity, want wire.Envelope) {
	t.Helper()
	e, err := wire.Open(to, from.Public(), got["sealed"])
	if err != nil || !reflect.DeepEqual(e, want) {
		fresh, _ := wire.Seal(from, to.Public(), want)
		t.Errorf("example \"sealed\" opens as %#v, %v; a good one is %x", e, err, fresh)
	}
	delete(got, "sealed")
}

// checkTiles decodes the coded frames one after the other.
func checkTiles(t *testing.T, got map[string][]byte) {
	t.Helper()
	var region tile.RegionDecoder
	if r, err := vpx.NewRegionDecoder(); err == nil {
		region = r
	}
	dec, err := tile.NewDecoder(region)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	picture := video.NewFrame(2, 3)
	paint := func(r image.Rectangle, b, g, red byte) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				copy(picture.Pix[(y*picture.W+x)*video.BytesPerPixel:], []byte{b, g, red, 255})
			}
		}
	}
	for _, step := range []struct {
		name string
		draw func()
		gen  uint32
	}{
		{"tile-refresh", func() { paint(picture.Bounds(), 0, 0, 255); paint(image.Rect(0, 2, 2, 3), 255, 0, 0) }, 1},
		{"tile-copy", func() { paint(image.Rect(0, 0, 2, 2), 255, 0, 0) }, 1},
		{"tile-rect", func() { paint(image.Rect(1, 1, 2, 2), 0, 255, 0) }, 1},
		{"tile-slot", func() { paint(image.Rect(1, 2, 2, 3), 0, 255, 0) }, 1},
		{"tile-nothing", func() {}, 2},
		{"tile-video", func() { paint(picture.Bounds(), 130, 130, 130) }, 2},
		{"tile-paid", func() { paint(picture.Bounds(), 128, 128, 128) }, 2},
	} {
		if region == nil && step.name == "tile-video" {
			delete(got, step.name)
			delete(got, "tile-paid")
			break
		}
		step.draw()
		_, err := dec.Decode(got[step.name])
		if p := dec.Picture(); err != nil || !bytes.Equal(p.Pix, picture.Pix) || p.Gen != step.gen {
			t.Errorf("example %q: %v", step.name, err)
		}
		if dec.Exact() != (step.name != "tile-video") {
			t.Errorf("example %q: exact is %v", step.name, dec.Exact())
		}
		delete(got, step.name)
	}
}

// checkKeys compares the table of keys.
func checkKeys(t *testing.T, got map[string][]byte) {
	t.Helper()
	var want strings.Builder
	for k := range wire.Key(0x100) {
		if k.Valid() {
			fmt.Fprintf(&want, "%02x %s ", int(k), k.DOM())
		}
	}
	if have := strings.Join(strings.Fields(string(got["keys"])), " "); have != strings.TrimSpace(want.String()) {
		t.Errorf("the table of keys is %q, the code has %q", have, want.String())
	}
	delete(got, "keys")
}
