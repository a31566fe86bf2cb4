package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"strings"
	"sync"
	"testing"
	"time"

	"viewflip.app/capture"
	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/peer"
	"viewflip.app/cmd/viewflip/internal/share"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/rtc"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// box is a mailbox behind a service that interferes.
type box struct {
	session.Mailbox
	// send returns what is sent instead of a message, in this order.
	send func(sealed []byte) [][]byte
	// recv returns what arrives instead of a message, in this order.
	recv func(sealed []byte) [][]byte

	mu      sync.Mutex
	waiting []wire.Deliver
}

func (b *box) Send(ctx context.Context, to wire.Address, sealed []byte) error {
	for _, s := range b.send(sealed) {
		if err := b.Mailbox.Send(ctx, to, s); err != nil {
			return err
		}
	}
	return nil
}

func (b *box) SendNow(ctx context.Context, to wire.Address, sealed []byte) error {
	for _, s := range b.send(sealed) {
		if err := b.Mailbox.SendNow(ctx, to, s); err != nil {
			return err
		}
	}
	return nil
}

func (b *box) Recv(ctx context.Context) (wire.Deliver, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.waiting) == 0 {
		d, err := b.Mailbox.Recv(ctx)
		if err != nil {
			return d, err
		}
		for _, s := range b.recv(d.Sealed) {
			b.waiting = append(b.waiting, wire.Deliver{From: d.From, Sealed: s})
		}
	}
	d := b.waiting[0]
	b.waiting = b.waiting[1:]
	return d, nil
}

func same(s []byte) [][]byte { return [][]byte{s} }

func altered(s []byte) []byte {
	bad := bytes.Clone(s)
	bad[len(bad)/2] ^= 1
	return bad
}

// evil is a member who keeps to the protocol until the test says otherwise.
type evil struct {
	call *session.Call
	peer *rtc.Peer
	sig  session.Signaller
}

// stage is Anna, who shares a window, and Ben, who watches it, through the real
// service, connection and codec.
type stage struct {
	a    *app.App
	anna *session.Call
	w    *platformtest.Window
	v    *session.View
	rgb  uint32
}

func newStage(t *testing.T) *stage {
	t.Helper()
	d := display(t)
	s := &stage{rgb: 0x102030}
	s.w = platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(100, 100, 500, 400), Color: s.rgb})
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	if s.a, err = app.Open(t.Context(), testWorld(t, nil), "Anna", desk); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.a.Close)
	if s.anna, err = s.a.NewCall(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.anna.Leave(); <-s.anna.Done() })
	list, err := share.Choose(t.Context(), desk, []string{"Editor"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.anna.Share(t.Context(), list[0], wire.RightSee|wire.RightPoint); err != nil {
		t.Fatal(err)
	}
	_, _, s.v = view(t, s.link(t, session.InviteOptions{}))
	s.unharmed(t)
	return s
}

func (s *stage) link(t *testing.T, o session.InviteOptions) wire.Link {
	t.Helper()
	l, err := s.anna.Invite(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// unharmed shows that Ben still sees what changes, and that nobody else is
// there.
func (s *stage) unharmed(t *testing.T) {
	t.Helper()
	s.rgb += 0x050505
	s.w.Fill(image.Rect(0, 0, 400, 300), s.rgb)
	waitPicture(t, s.v, func(f *video.Frame) bool { return all(f, s.rgb) })
	platformtest.Eventually(t, "Ben alone to be there", func() bool {
		var there []string
		for _, m := range s.anna.State().Members {
			if m.Link == session.Connected {
				there = append(there, m.Name)
			}
		}
		return len(there) == 1 && there[0] == "Ben"
	})
}

// join comes by a link with a new key; interfere, which may be nil, stands
// between this device and the service.
func (s *stage) join(t *testing.T, link wire.Link, patience time.Duration, interfere func(*box)) (*evil, error) {
	t.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.joinAs(t, id, link, patience, interfere)
}

func (s *stage) joinAs(t *testing.T, id *wire.Identity, link wire.Link, patience time.Duration, interfere func(*box)) (*evil, error) {
	t.Helper()
	mail, err := client.New(client.Config{Service: link.Service, Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	b := &box{Mailbox: mail, send: same, recv: same}
	if interfere != nil {
		interfere(b)
	}
	e := &evil{}
	made := make(chan struct{})
	var once sync.Once
	e.call = session.New(session.Config{
		Identity: id, Name: "Eve", Service: link.Service, Mailbox: b,
		NewPeer: func(offerer bool, sig session.Signaller) (session.Peer, error) {
			p, err := peer.New(peer.Options{Mail: mail, Service: link.Service, Traffic: new(peer.Traffic), Log: s.a.Log}, offerer, sig)
			once.Do(func() {
				e.peer, e.sig = p.(*peer.Peer).Peer, sig
				close(made)
			})
			return p, err
		},
		OpenCapture: func(ctx context.Context, id platform.WindowID) (capture.Stream, error) {
			return s.a.System.Capture(ctx, id, capture.Options{})
		}, NewEncoder: peer.Encoders(), NewDecoder: peer.NewDecoder,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = mail.Run(ctx) })
	wg.Go(func() { _ = e.call.Run(ctx) })
	t.Cleanup(func() { e.call.Leave(); <-e.call.Done(); cancel(); wg.Wait() })
	jctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if err := e.call.Join(jctx, link); err != nil {
		return e, err
	}
	<-made // Anna's is the first
	select {
	case <-e.peer.Connected():
		return e, nil
	case <-jctx.Done():
		return e, errors.New("admitted, and not connected")
	}
}

const (
	soon = 30 * time.Second
	// brief is how long it is watched that nothing happens.
	brief = 2 * time.Second
)

// Who comes by a link that is not right is told why, and nobody else notices.
func TestHostileLinks(t *testing.T) {
	s := newStage(t)
	refused := func(name string, link wire.Link, is error, says string) {
		t.Helper()
		_, err := s.join(t, link, soon, nil)
		if err == nil || is != nil && !errors.Is(err, is) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
		s.unharmed(t)
	}
	l := s.link(t, session.InviteOptions{})
	l.Service.Pin[0] ^= 1
	refused("wrong pin", l, client.ErrPin, "different key")
	l = s.link(t, session.InviteOptions{})
	l.Inviter[0] ^= 1
	refused("wrong fingerprint", l, nil, "another device")
	l = s.link(t, session.InviteOptions{})
	l.Secret = wire.NewSecret([32]byte{1})
	refused("wrong secret", l, session.ErrNoAnswer, "nobody answered")
	l = s.link(t, session.InviteOptions{})
	l.Invite[0] ^= 1
	refused("unknown", l, client.ErrUnknownInvite, "does not know this invitation")

	l = s.link(t, session.InviteOptions{})
	first, err := s.join(t, l, soon, nil)
	if err != nil {
		t.Fatal(err)
	}
	first.call.Leave()
	refused("used", l, session.ErrRejected, "used by another device")

	l = s.link(t, session.InviteOptions{TTL: time.Second})
	platformtest.Eventually(t, "the link to expire", func() bool {
		e, err := s.join(t, l, soon, nil)
		e.call.Leave()
		switch {
		case err == nil: // the device that used it; the next is another
			return false
		case errors.Is(err, session.ErrRejected):
			return strings.Contains(err.Error(), "expired")
		default:
			return errors.Is(err, client.ErrUnknownInvite) && strings.Contains(err.Error(), "expired")
		}
	})
	s.unharmed(t)
}

// A service that alters, repeats or replays what it carries gets nobody in,
// keeps nobody out who could come without it, and harms no call.
func TestHostileServiceOnTheWay(t *testing.T) {
	s := newStage(t)
	for name, interfere := range map[string]func(*box){
		"all that is sent is altered":    func(b *box) { b.send = func(m []byte) [][]byte { return [][]byte{altered(m)} } },
		"all that arrives is altered":    func(b *box) { b.recv = func(m []byte) [][]byte { return [][]byte{altered(m)} } },
		"all that is sent is cut":        func(b *box) { b.send = func(m []byte) [][]byte { return [][]byte{m[:len(m)-1]} } },
		"the answer is altered, no more": alterAnswer,
	} {
		if _, err := s.join(t, s.link(t, session.InviteOptions{}), brief, interfere); err == nil {
			t.Errorf("%s: connected", name)
		}
	}
	for name, interfere := range map[string]func(*box){
		"altered copies first": func(b *box) {
			b.send = func(m []byte) [][]byte { return [][]byte{altered(m), m} }
			b.recv = b.send
		},
		"everything twice, and all before again": func(b *box) {
			var sent, came [][]byte
			b.send = func(m []byte) [][]byte { sent = append(sent, m); return append([][]byte{m}, sent...) }
			b.recv = func(m []byte) [][]byte { came = append(came, m); return append([][]byte{m}, came...) }
		},
	} {
		e, err := s.join(t, s.link(t, session.InviteOptions{}), soon, interfere)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		e.call.Leave()
		s.unharmed(t)
	}
	// What was said in one connection, the answer too, fits no later one.
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	l := s.link(t, session.InviteOptions{})
	var old [][]byte
	e, err := s.joinAs(t, id, l, soon, func(b *box) {
		b.recv = func(m []byte) [][]byte { old = append(old, m); return same(m) }
	})
	if err != nil {
		t.Fatal(err)
	}
	e.call.Leave()
	<-e.call.Done()
	s.unharmed(t)
	e, err = s.joinAs(t, id, l, soon, func(b *box) {
		b.recv = func(m []byte) [][]byte { return append(append([][]byte{}, old...), m) }
	})
	if err != nil {
		t.Error("replays from before kept an honest device out:", err)
	}
	e.call.Leave()
	s.unharmed(t)
}

// alterAnswer lets the admission pass and alters what follows: the answer and
// the candidates.
func alterAnswer(b *box) {
	n := 0
	b.recv = func(m []byte) [][]byte {
		if n++; n == 1 {
			return same(m)
		}
		return [][]byte{altered(m)}
	}
}

// A member who breaks the protocol, on whatever channel, loses his connection,
// and only he.
func TestHostileMember(t *testing.T) {
	s := newStage(t)
	hello, err := wire.AppendMessage(nil, wire.Hello{Version: wire.PeerVersion, Name: "Eve"})
	if err != nil {
		t.Fatal(err)
	}
	for name, attack := range map[string]func(e *evil) error{
		"control: no such message": func(e *evil) error { return e.peer.Send([]byte{255, 1, 2}) },
		"control: empty":           func(e *evil) error { return e.peer.Send(nil) },
		"control: cut":             func(e *evil) error { return e.peer.Send(hello[:len(hello)-1]) },
		"control: too long": func(e *evil) error {
			return e.peer.Send(append(bytes.Clone(hello), make([]byte, rtc.MaxMessage-len(hello))...))
		},
		"motion: no such message": func(e *evil) error { return e.peer.SendLossy([]byte{255, 1, 2}) },
		"motion: cut":             func(e *evil) error { return e.peer.SendLossy([]byte{11, 1}) },
		"signals: no candidate":   func(e *evil) error { return e.sig.Send(t.Context(), wire.Candidate{Line: "{"}) },
		"signals: no description": func(e *evil) error { return e.sig.Send(t.Context(), wire.Offer{SDP: "nonsense"}) },
		"signals: certificate changed": func(e *evil) error {
			o := wire.Offer{SDP: "v=0\r\na=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":") + "\r\n"}
			if o.Fingerprint, err = wire.FingerprintOf(o.SDP); err != nil {
				return err
			}
			return e.sig.Send(t.Context(), o)
		},
	} {
		e, err := s.join(t, s.link(t, session.InviteOptions{}), soon, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		platformtest.Eventually(t, "Eve to be there", func() bool { return len(s.anna.State().Members) == 2 })
		if err := attack(e); err != nil {
			t.Fatal(name, err)
		}
		platformtest.Eventually(t, name+": Eve to be gone", func() bool { return len(s.anna.State().Members) == 1 })
		s.unharmed(t)
	}
}

// A member's broken pictures are not shown, and a whole one is asked for.
func TestHostilePictures(t *testing.T) {
	s := newStage(t)
	e, err := s.join(t, s.link(t, session.InviteOptions{}), soon, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := wire.AppendMessage(nil, wire.ShareOpened{Share: 1, Title: "Eve's", W: 100, H: 100, Gen: 1, Track: "eve"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.peer.Send(b); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "her share to be offered", func() bool { return len(s.anna.State().Remote) == 1 })
	r := s.anna.State().Remote[0]
	v, err := s.anna.View(r.Member, r.Share)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.peer.AddTrack(t.Context(), "eve")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Codec(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := out.Write(t.Context(), bytes.Repeat([]byte{1, 1, 0, 255}, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-out.Refresh():
	case <-time.After(soon):
		t.Fatal("nothing was asked for")
	}
	v.Picture(func(f *video.Frame) {
		if f != nil {
			t.Error("a broken picture is shown")
		}
	})
	e.call.Leave()
	s.unharmed(t)
}
