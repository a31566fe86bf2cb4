package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"viewflip.app/wire"
)

func identity(t testing.TB) *wire.Identity {
	t.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func messages() []wire.Message {
	return []wire.Message{
		wire.Hello{Version: 1, Name: "Änne 👩‍💻"},
		wire.ShareOpened{Share: 1, Title: "a", App: "b", W: 1280, H: 800, Gen: 3, Track: "share-1"},
		wire.ShareChanged{
			Share: 1, Title: "x", W: 10, H: 20, Gen: 9, Hidden: true, Main: wire.Rect{X: 1, Y: 2, W: 9, H: 18},
			Surfaces: []wire.Surface{
				{ID: 1, Kind: wire.SurfaceMenu, Bounds: wire.Rect{W: 10, H: 20}},
				{ID: 65535, Kind: wire.SurfaceDialog, Masked: true, Bounds: wire.Rect{X: 9, Y: 19, W: 1, H: 1}},
			},
		},
		wire.ShareChanged{Share: 2, Title: "y"}, wire.ShareChanged{Share: 3, W: 9000, H: 5000, TooLarge: true, Main: wire.Rect{W: 9000, H: 5000}},
		wire.ShareClosed{Share: 1, Reason: wire.CloseWindow}, wire.Watch{Share: 4, On: true},
		wire.Ask{Share: 1, Rights: wire.RightControl}, wire.Granted{Share: 1, Rights: wire.RightSee, Answer: true},
		wire.Granted{Share: 1, Rights: wire.RightSee | wire.RightPaste, Ends: wire.Ends{{}, {}, {}, {Term: wire.Timed, Left: 15 * time.Minute}}},
		wire.Granted{Share: 1, Rights: wire.RightControl, Ends: wire.Ends{{}, {}, {Term: wire.Once}}},
		wire.Paste{Share: 1, Clip: wire.Clip{Kind: wire.ClipText, Total: 9, Offset: 4, Data: []byte("12345")}},
		wire.Copied{Share: 1, Clip: wire.Clip{Kind: wire.ClipPNG, Total: 3, Data: []byte("abc")}},
		wire.GiveBack{Share: 1, Rights: wire.RightControl},
		wire.Refused{Share: 1, Seq: 7, Reason: wire.Covered}, wire.Ack{Share: 1, Surface: 2, Timestamp: 3, Held: 4},
		wire.Bye{Reason: wire.ByeLeft},
		wire.Input{Kind: wire.Press, Share: 1, Gen: 2, Seq: 3, X: 65535, Y: 1, Button: wire.Back},
		wire.Input{Kind: wire.Wheel, Share: 1, DX: -120, DY: 15},
		wire.Input{Kind: wire.KeyDown, Share: 1, Key: 4, Repeat: true, Mods: wire.ModShift},
		wire.Input{Kind: wire.KeyDown, Share: 1, Key: 0x1c, Rune: 'ž'},
		wire.Input{Kind: wire.Text, Share: 1, Text: "日本\u3000👩‍💻"},
		wire.Point{Share: 1, Gen: 2, Seq: 3, At: wire.Spot{X: 65535, Y: 1}, On: true}, wire.Point{Share: 1, Gen: 2, Seq: 4},
		wire.Stroke{Share: 1, Gen: 2, ID: 3, Step: wire.StrokeBegin, Spots: []wire.Spot{{X: 1, Y: 2}, {X: 65535, Y: 0}}},
		wire.Stroke{Share: 1, Gen: 2, ID: 3, Step: wire.StrokeMore, Spots: make([]wire.Spot, wire.MaxSpots)},
		wire.Stroke{Share: 1, Gen: 2, ID: 3, Step: wire.StrokeEnd},
		wire.GuestPoint{Share: 1, Guest: 255, Name: "Änne", Seq: 9, At: wire.Spot{X: 1, Y: 2}, On: true},
		wire.GuestStroke{Share: 1, Guest: 2, ID: 3, Step: wire.StrokeMore, Spots: []wire.Spot{{X: 1, Y: 2}}},
		wire.GuestNumber{Share: 1, Guest: 15},
		wire.CursorShape{Share: 1, Hand: true, W: 256, H: 1, HotX: 255, Part: 19, Parts: 20, Data: []byte{1, 2, 3}},
		wire.CursorPosition{Share: 1, Seq: 3, At: wire.Spot{X: 65535, Y: 1}, On: true}, wire.CursorPosition{Share: 1, Seq: 4},
		wire.Measure{Share: 1}, wire.Check{Share: 1},
		wire.PhraseCommit{Commitment: [32]byte{1}}, wire.PhraseNonce{Nonce: [32]byte{2}}, wire.PhraseReveal{Nonce: [32]byte{3}},
		wire.Measured{
			Share: 1, Capture: wire.Spread{P50: 100 * time.Microsecond, P95: time.Millisecond}, Network: wire.Spread{P95: time.Second},
			Echoes: []wire.Echo{{Seq: 1, Timestamp: 90000}, {Seq: 9}},
		},
	}
}

func TestMessagesRoundTrip(t *testing.T) {
	for _, m := range messages() {
		b, err := wire.AppendMessage(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.ParseMessage(b)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%#v came back as %#v, %v", m, got, err)
		}
		for n := range b {
			if _, err := wire.ParseMessage(b[:n]); err == nil {
				t.Errorf("%T cut to %d bytes was accepted", m, n)
			}
		}
		if _, err := wire.ParseMessage(append(b, 0)); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%T with a byte more: %v", m, err)
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, in := range []wire.Input{
		{Kind: 0}, {Kind: 99}, {Kind: wire.Press}, {Kind: wire.Press, Button: 4}, {Kind: wire.Move, Button: 1},
		{Kind: wire.Wheel}, {Kind: wire.KeyDown}, {Kind: wire.KeyDown, Key: 0xfff}, {Kind: wire.KeyUp, Key: 4, Repeat: true},
		{Kind: wire.Move, Mods: 0x80}, {Kind: wire.Move, Rune: 'a'}, {Kind: wire.KeyUp, Key: 4, Rune: 'a'},
		{Kind: wire.KeyDown, Key: 4, Rune: '\n'}, {Kind: wire.KeyDown, Key: 4, Rune: -1}, {Kind: wire.KeyDown, Key: 4, Rune: 0xd800},
		{Kind: wire.KeyDown, Key: 0xe0, Rune: 'a'}, {Kind: wire.Text}, {Kind: wire.Text, Key: 4, Text: "a"},
		{Kind: wire.Text, Text: "a\x1b"}, {Kind: wire.Text, Text: "\xff"}, {Kind: wire.Text, Text: "\u202e"}, {Kind: wire.Text, Rune: 'a', Text: "a"},
		{Kind: wire.Text, Text: strings.Repeat("a", wire.MaxText+1)},
	} {
		if _, err := wire.ParseInput(wire.AppendInput(nil, in)); err == nil {
			t.Errorf("%+v was accepted", in)
		}
	}
	for _, m := range []wire.Message{
		wire.Point{Share: 1, At: wire.Spot{X: 1}}, wire.GuestPoint{Share: 1, At: wire.Spot{Y: 1}}, wire.Stroke{Share: 1, Step: wire.StrokeBegin},
		wire.Stroke{Share: 1, Step: wire.StrokeMore}, wire.Stroke{Share: 1, Spots: make([]wire.Spot, 1)},
		wire.GuestStroke{Share: 1, Step: 4, Spots: make([]wire.Spot, 1)},
		wire.CursorShape{Share: 1, W: 257, H: 1, Parts: 1, Data: []byte{1}}, wire.CursorShape{Share: 1, W: 1, H: 0, Parts: 1, Data: []byte{1}},
		wire.CursorShape{Share: 1, W: 1, H: 1, HotX: 1, Parts: 1, Data: []byte{1}}, wire.CursorShape{Share: 1, W: 1, H: 1, Part: 1, Parts: 1, Data: []byte{1}},
		wire.CursorShape{Share: 1, W: 1, H: 1, Parts: 21, Data: []byte{1}}, wire.CursorShape{Share: 1, W: 1, H: 1, Parts: 1},
		wire.CursorPosition{Share: 1, At: wire.Spot{X: 1}},
	} {
		b, err := wire.AppendMessage(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wire.ParseMessage(b); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%#v was accepted", m)
		}
	}
	// One spot more than a message may carry, although all of them are there.
	long, _ := wire.AppendMessage(nil, wire.Stroke{Share: 1, Step: wire.StrokeMore, Spots: make([]wire.Spot, wire.MaxSpots)})
	long[14]++
	if _, err := wire.ParseMessage(append(long, 0, 0, 0, 0)); !errors.Is(err, wire.ErrMalformed) {
		t.Error("a stroke with too many spots was accepted")
	}
	big := make([]byte, wire.MaxMessage+1)
	if _, err := wire.ParseMessage(big); !errors.Is(err, wire.ErrTooLarge) {
		t.Error(err)
	}
}

// A pixel's fraction leads back to that pixel, and no fraction leads outside.
func TestFraction(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 640, 1279, 1280, 1920, 4095, 16384} {
		for p := range n {
			if got := wire.Pixel(wire.Fraction(p, n), n); got != p {
				t.Fatalf("pixel %d of %d came back as %d", p, n, got)
			}
		}
		if wire.Pixel(65535, n) != n-1 || wire.Pixel(0, n) != 0 {
			t.Fatal("the ends of", n)
		}
	}
}

func TestKeys(t *testing.T) {
	seen := map[uint16]bool{}
	for k := range wire.Key(0x200) {
		ev, ok := k.Evdev()
		if ok != k.Valid() || ok != (k.DOM() != "") {
			t.Fatal("row of", k)
		}
		if !ok {
			continue
		}
		if seen[ev] {
			t.Errorf("evdev %d twice", ev)
		}
		seen[ev] = true
		if a, _ := wire.KeyFromEvdev(ev); a != k {
			t.Errorf("evdev %d", ev)
		}
		if a, _ := wire.KeyFromDOM(k.DOM()); a != k {
			t.Errorf("DOM %s", k.DOM())
		}
	}
	if k, _ := wire.KeyFromDOM("KeyA"); k != 4 || len(seen) < 120 {
		t.Errorf("%d keys, A is %d", len(seen), k)
	}
}

func signals(t testing.TB) []wire.Signal {
	t.Helper()
	dev := identity(t).Public()
	return []wire.Signal{
		wire.Admit{Nonce: [32]byte{1}, Echo: [32]byte{2}, Name: "A", Members: []wire.Member{{Device: dev, Name: "B", Pair: [16]byte{3}}}},
		wire.Reject{Echo: [32]byte{1}, Reason: wire.RejectUsed}, wire.Introduce{Member: wire.Member{Device: dev, Name: "C"}},
		wire.Offer{SDP: strings.Repeat("x", 5000), Fingerprint: [32]byte{9}}, wire.Answer{SDP: "y"},
		wire.Candidate{Line: "candidate:1"}, wire.NeedMedia{Lines: 2}, wire.NeedMedia{Restart: true},
	}
}

func TestSeal(t *testing.T) {
	a, b, c := identity(t), identity(t), identity(t)
	for i, s := range signals(t) {
		e := wire.Envelope{Pair: [16]byte{1}, Seq: uint64(i + 1), Body: s}
		sealed, err := wire.Seal(a, b.Public(), e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.Open(b, a.Public(), sealed)
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Fatalf("%#v came back as %#v, %v", e, got, err)
		}
		if _, err := wire.Open(c, a.Public(), sealed); !errors.Is(err, wire.ErrSeal) {
			t.Error("somebody else opened it:", err)
		}
		if _, err := wire.Open(b, c.Public(), sealed); !errors.Is(err, wire.ErrSignature) {
			t.Error("taken for somebody else's:", err)
		}
		if _, _, err := wire.OpenKnock(b, sealed); err == nil {
			t.Error("taken for a knock")
		}
		for _, at := range []int{0, len(sealed) / 2, len(sealed) - 1} {
			bad := bytes.Clone(sealed)
			bad[at] ^= 1
			if _, err := wire.Open(b, a.Public(), bad); !errors.Is(err, wire.ErrSeal) {
				t.Error("altered and opened:", err)
			}
		}
		if bytes.Contains(sealed, []byte("xxxx")) || (len(sealed)-48)%512 != 0 {
			t.Errorf("%d bytes tell too much", len(sealed))
		}
	}
}

// A ring comes from somebody whose devices are known, but not this one yet.
func TestRing(t *testing.T) {
	a, b, eve := identity(t), identity(t), identity(t)
	link := wire.Link{Service: wire.Service{Addrs: []string{"192.0.2.1:443"}, Pin: [32]byte{1}}, Invite: wire.InviteID{2}, Inviter: wire.Address{3}, Secret: wire.NewSecret([32]byte{4})}
	for _, s := range []wire.Signal{
		wire.Ring{Device: a.Public(), Link: link, Name: "Anna"},
		wire.RingEnd{Device: a.Public(), Invite: link.Invite, Reason: wire.RingDeclined},
		wire.RingCheck{Device: a.Public(), Invite: link.Invite, Nonce: [16]byte{5}, Alive: true},
	} {
		sealed, err := wire.Seal(a, b.Public(), wire.Envelope{Body: s})
		if err != nil {
			t.Fatal(err)
		}
		from, e, err := wire.OpenKnock(b, sealed)
		if err != nil || from != a.Public() || !reflect.DeepEqual(e.Body, s) {
			t.Errorf("%#v came back as %#v, %v", s, e.Body, err)
		}
		stolen, err := wire.Seal(eve, b.Public(), wire.Envelope{Body: s})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := wire.OpenKnock(b, stolen); !errors.Is(err, wire.ErrSignature) {
			t.Error("it rings in the name of somebody else:", err)
		}
	}
}

func TestKnock(t *testing.T) {
	joiner, inviter, eve := identity(t), identity(t), identity(t)
	secret := wire.NewSecret([32]byte{7})
	k := wire.SignKnock(wire.Knock{Invite: wire.InviteID{1}, Device: joiner.Public(), Name: "Ben", Nonce: [32]byte{3}}, secret, inviter.Public())
	sealed, err := wire.Seal(joiner, inviter.Public(), wire.Envelope{Body: k})
	if err != nil {
		t.Fatal(err)
	}
	dev, e, err := wire.OpenKnock(inviter, sealed)
	if err != nil || dev != joiner.Public() || !wire.VerifyKnock(e.Body.(wire.Knock), secret, dev, inviter.Public()) {
		t.Fatal("an honest knock was refused:", err)
	}
	if wire.VerifyKnock(k, wire.NewSecret([32]byte{8}), dev, inviter.Public()) || wire.VerifyKnock(k, secret, eve.Public(), inviter.Public()) ||
		wire.VerifyKnock(k, secret, dev, eve.Public()) {
		t.Error("a knock with a wrong secret, sender or inviter was taken")
	}
	stolen, _ := wire.Seal(eve, inviter.Public(), wire.Envelope{Body: k})
	if _, _, err := wire.OpenKnock(inviter, stolen); !errors.Is(err, wire.ErrSignature) {
		t.Error("Eve knocked in Ben's name:", err)
	}
}

func TestReplay(t *testing.T) {
	var r wire.Replay
	for _, c := range []struct {
		seq uint64
		ok  bool
	}{{0, false}, {1, true}, {1, false}, {5, true}, {4, false}, {6, true}} {
		if r.Accept(c.seq) != c.ok {
			t.Error(c)
		}
	}
}

func link(t testing.TB) wire.Link {
	t.Helper()
	return wire.Link{
		Service: wire.Service{Addrs: []string{"192.0.2.1:7465", "[2001:db8::1]:7465", "viewflip.example:443"}, Pin: [32]byte{1, 255}},
		Invite:  wire.InviteID{1, 2}, Inviter: identity(t).Public().Address(), Secret: wire.NewSecret([32]byte{5, 6}),
	}
}

func TestLink(t *testing.T) {
	l := link(t)
	s := l.String()
	got, err := wire.ParseLink("  " + s + "\n")
	if err != nil || !reflect.DeepEqual(got, l) {
		t.Fatal(err, got)
	}
	for i := range s {
		if _, err := wire.ParseLink(s[:i]); !errors.Is(err, wire.ErrLink) {
			t.Fatalf("cut to %q: %v", s[:i], err)
		}
	}
	for _, bad := range []string{"", "https://x", s + "A", strings.Replace(s, ":7465", ":0", 1), strings.Replace(s, "/c/", "/d/", 1), strings.Repeat(s, 20)} {
		if _, err := wire.ParseLink(bad); !errors.Is(err, wire.ErrLink) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	svc, err := wire.ParseServiceURL(l.Service.URL())
	if err != nil || !reflect.DeepEqual(svc, l.Service) {
		t.Error(err, svc)
	}
}

// Secrets cannot be printed by accident.
func TestSecretsStayHidden(t *testing.T) {
	l := link(t)
	id := identity(t)
	secret := l.Secret.Reveal()
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", l.Secret, "link", l, "identity", id)
	fmt.Fprintf(&out, "%v %+v %#v %s %v %+v %#v", l.Secret, l.Secret, l.Secret, l.Secret, id, id, id)
	for _, s := range [][]byte{secret[:], fmt.Append(nil, secret[:]), id.Marshal()[1:33], fmt.Append(nil, id.Marshal()[1:33]), []byte(l.String()[len(l.String())-43:])} {
		if bytes.Contains(out.Bytes(), s) {
			t.Errorf("printed: %s", out.String())
		}
	}
}

func TestFingerprint(t *testing.T) {
	a := "a=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
	for _, c := range []struct {
		sdp string
		ok  bool
	}{
		{"v=0\r\n" + a + "\r\n", true}, {a + "\r\n" + strings.ToLower(a) + "\r\n", true}, {"v=0\r\n", false},
		{a + "\r\n" + strings.Replace(a, "AB", "AC", 1), false}, {strings.Replace(a, "256", "1", 1), false}, {a + ":AB", false},
	} {
		fp, err := wire.FingerprintOf(c.sdp)
		if (err == nil) != c.ok || c.ok && fp[31] != 0xab {
			t.Errorf("%q: %v", c.sdp, err)
		}
	}
}

func frames(t testing.TB) []wire.FrameBody {
	t.Helper()
	dev := identity(t).Public()
	return []wire.FrameBody{
		wire.ServiceHello{Version: 1, Device: dev}, wire.Challenge{Nonce: [32]byte{1}}, wire.Proof{Signature: [64]byte{2}}, wire.Welcome{},
		wire.OpenInvite{Invite: wire.InviteID{1}, Expires: 5}, wire.CloseInvite{Invite: wire.InviteID{1}}, wire.Lookup{Invite: wire.InviteID{1}},
		wire.Found{Device: dev}, wire.Send{To: dev.Address(), Sealed: []byte("x")}, wire.Deliver{From: dev.Address(), Sealed: []byte("y")},
		wire.OK{}, wire.Error{Code: wire.CodeOffline},
		wire.Relay{Invite: wire.InviteID{1}}, credentials(),
	}
}

func TestFrames(t *testing.T) {
	for _, body := range frames(t) {
		f := wire.Frame{ID: 7, Body: body}
		b, err := wire.AppendFrame(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.ParseFrame(b)
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Errorf("%#v came back as %#v, %v", f, got, err)
		}
		if _, err := wire.ParseFrame(append(b, 0)); err == nil {
			t.Errorf("%T with a byte more", body)
		}
	}
	if _, err := wire.AppendFrame(nil, wire.Frame{Body: wire.Send{Sealed: make([]byte, wire.MaxSealed+1)}}); !errors.Is(err, wire.ErrTooLarge) {
		t.Error(err)
	}
}

// A cursor comes back as it was; what is not one takes no more memory than it.
func TestCursorPixels(t *testing.T) {
	pix := make([]byte, 4*wire.MaxCursorSide*wire.MaxCursorSide)
	v := uint32(1)
	for i := range pix { // does not compress
		v = v*1664525 + 1013904223
		pix[i] = byte(v >> 24)
	}
	packed := wire.PackCursor(pix)
	if len(packed) > wire.MaxCursorParts*wire.MaxCursorData {
		t.Errorf("%d bytes do not fit into %d parts", len(packed), wire.MaxCursorParts)
	}
	if got, err := wire.UnpackCursor(packed, len(pix)); err != nil || !bytes.Equal(got, pix) {
		t.Error("the pixels changed:", err)
	}
	for what, size := range map[string]int{"too long": len(pix) - 4, "too short": len(pix) + 4} {
		if _, err := wire.UnpackCursor(packed, size); !errors.Is(err, wire.ErrMalformed) {
			t.Error(what, err)
		}
	}
	if _, err := wire.UnpackCursor(packed[:len(packed)-9], len(pix)); !errors.Is(err, wire.ErrMalformed) {
		t.Error("cut:", err)
	}
}

func FuzzParseMessage(f *testing.F) {
	for _, m := range messages() {
		b, _ := wire.AppendMessage(nil, m)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wire.ParseMessage(b)
		if err != nil {
			return
		}
		again, err := wire.AppendMessage(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := wire.ParseMessage(again); err != nil || !reflect.DeepEqual(back, m) {
			t.Fatalf("%#v became %#v, %v", m, back, err)
		}
	})
}

func FuzzParseFrame(f *testing.F) {
	for _, body := range frames(f) {
		b, _ := wire.AppendFrame(nil, wire.Frame{ID: 1, Body: body})
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wire.ParseFrame(b)
		if err != nil {
			return
		}
		if again, err := wire.AppendFrame(nil, m); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%#v is not canonical: %v", m, err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	a, b := identity(f), identity(f)
	for _, s := range signals(f) {
		sealed, _ := wire.Seal(a, b.Public(), wire.Envelope{Body: s})
		f.Add(sealed)
	}
	f.Fuzz(func(t *testing.T, sealed []byte) {
		_, _ = wire.Open(b, a.Public(), sealed)
		_, _, _ = wire.OpenKnock(b, sealed)
	})
}

func TestSurfacesAreChecked(t *testing.T) {
	good := wire.Surface{ID: 1, Kind: wire.SurfaceMenu, Bounds: wire.Rect{X: 5, Y: 5, W: 5, H: 15}}
	change := func(edit func(*wire.ShareChanged)) wire.ShareChanged {
		m := wire.ShareChanged{Share: 1, W: 10, H: 20, Main: wire.Rect{W: 10, H: 20}, Surfaces: []wire.Surface{good}}
		edit(&m)
		return m
	}
	parse := func(m wire.ShareChanged) (wire.Message, error) {
		b, err := wire.AppendMessage(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		return wire.ParseMessage(b)
	}
	if _, err := parse(change(func(*wire.ShareChanged) {})); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*wire.ShareChanged){
		"main too wide":      func(m *wire.ShareChanged) { m.Main.W = 11 },
		"main empty":         func(m *wire.ShareChanged) { m.Main.H = 0 },
		"surface outside":    func(m *wire.ShareChanged) { m.Surfaces[0].Bounds.X = 6 },
		"surface overflows":  func(m *wire.ShareChanged) { m.Surfaces[0].Bounds.Y = 65535 },
		"surface empty":      func(m *wire.ShareChanged) { m.Surfaces[0].Bounds.W = 0 },
		"surface number 0":   func(m *wire.ShareChanged) { m.Surfaces[0].ID = 0 },
		"kind 0":             func(m *wire.ShareChanged) { m.Surfaces[0].Kind = 0 },
		"kind 4":             func(m *wire.ShareChanged) { m.Surfaces[0].Kind = 4 },
		"surface of nothing": func(m *wire.ShareChanged) { m.W = 0 },
	} {
		if m, err := parse(change(edit)); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	m, err := parse(change(func(m *wire.ShareChanged) {
		for len(m.Surfaces) < 40 {
			m.Surfaces = append(m.Surfaces, good)
		}
	}))
	if c, ok := m.(wire.ShareChanged); err != nil || !ok || len(c.Surfaces) != wire.MaxSurfaces {
		t.Errorf("%d surfaces, %v", len(c.Surfaces), err)
	}
	b, err := wire.AppendMessage(nil, change(func(m *wire.ShareChanged) { m.Surfaces = nil }))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] = wire.MaxSurfaces + 1
	if _, err := wire.ParseMessage(append(b, make([]byte, 12*(wire.MaxSurfaces+1))...)); err == nil {
		t.Error("too many surfaces")
	}
}
