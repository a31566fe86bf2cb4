package rtc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"viewflip.app/rtc"
	"viewflip.app/wire"
)

// line is one direction of a signaller in memory.
type line struct {
	out, in chan wire.Signal
	edit    func(wire.Signal) wire.Signal
}

func (l *line) Send(ctx context.Context, s wire.Signal) error {
	if l.edit != nil {
		s = l.edit(s)
	}
	select {
	case l.out <- s:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *line) Recv(ctx context.Context) (wire.Signal, error) {
	select {
	case s := <-l.in:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type ends struct {
	a, b   *rtc.Peer
	la, lb *line
	errs   chan error
	stop   func()
	leave  func() // ends a alone
}

func pair(t testing.TB, oa, ob rtc.Options, edit func(wire.Signal) wire.Signal) *ends {
	t.Helper()
	x, y := make(chan wire.Signal, 200), make(chan wire.Signal, 200)
	e := &ends{la: &line{x, y, edit}, lb: &line{y, x, edit}, errs: make(chan error, 2)}
	oa.Offerer = true
	var err error
	if e.a, err = rtc.New(oa, e.la); err != nil {
		t.Fatal(err)
	}
	if e.b, err = rtc.New(ob, e.lb); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	actx, leave := context.WithCancel(ctx)
	e.leave = leave
	var wg sync.WaitGroup
	wg.Go(func() { e.errs <- e.a.Run(actx) })
	wg.Go(func() { e.errs <- e.b.Run(ctx) })
	var once sync.Once
	e.stop = func() { once.Do(func() { cancel(); wg.Wait() }) }
	t.Cleanup(e.stop)
	return e
}

func (e *ends) await(t testing.TB) {
	t.Helper()
	for _, p := range []*rtc.Peer{e.a, e.b} {
		select {
		case <-p.Connected():
		case <-time.After(15 * time.Second):
			t.Fatal("not connected")
		}
	}
}

func context15(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestMessages(t *testing.T) {
	e := pair(t, rtc.Options{}, rtc.Options{}, nil)
	e.await(t)
	ctx := context15(t)
	for i := range 200 {
		if err := e.a.Send([]byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		m, err := e.b.Recv(ctx)
		if err != nil || m.Lossy || string(m.Data) != fmt.Sprint(i) {
			t.Fatal(i, string(m.Data), err)
		}
	}
	if err := e.b.SendLossy([]byte("move")); err != nil {
		t.Fatal(err)
	}
	if m, err := e.a.Recv(ctx); err != nil || !m.Lossy || string(m.Data) != "move" {
		t.Fatal(m, err)
	}
	if err := e.a.Send(make([]byte, rtc.MaxMessage+1)); !errors.Is(err, rtc.ErrTooLarge) {
		t.Error(err)
	}
}

// Frames of all sizes arrive whole and in order, both ways, whoever adds the
// track, in the first codec that both ends have.
func TestTracks(t *testing.T) {
	all := []rtc.Codec{{MimeType: rtc.MimeTypeTileVP9}, {MimeType: rtc.MimeTypeTile}, {MimeType: rtc.MimeTypeVP9}}
	for want, has := range map[string][]rtc.Codec{rtc.MimeTypeTileVP9: all, rtc.MimeTypeTile: all[1:], rtc.MimeTypeVP9: all[2:]} {
		t.Run(want, func(t *testing.T) {
			e := pair(t, rtc.Options{Codecs: all}, rtc.Options{Codecs: has}, nil)
			e.await(t)
			for i, ends := range [][2]*rtc.Peer{{e.a, e.b}, {e.b, e.a}, {e.b, e.a}, {e.a, e.b}} {
				exchange(t, ends[0], ends[1], fmt.Sprint("share-", i), want)
			}
		})
	}
}

func exchange(t *testing.T, from, to *rtc.Peer, id, mime string) {
	t.Helper()
	ctx := context15(t)
	out, err := from.AddTrack(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := out.Codec(ctx)
	if err != nil || codec.MimeType != mime {
		t.Fatal(codec, err)
	}
	if mime == rtc.MimeTypeVP9 {
		return // the payload is VP9's own; video/vpx tests what is in it
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var sent [][]byte
	for i := range 60 {
		n := 1 + rng.IntN(300)
		if i%10 == 9 {
			n = 20000 + rng.IntN(60000)
		}
		b := make([]byte, n)
		for j := range b {
			b[j] = byte(rng.Uint32())
		}
		sent = append(sent, b)
	}
	if _, err := out.Write(t.Context(), sent[0]); err != nil {
		t.Fatal(err)
	}
	in, err := to.AcceptTrack(ctx)
	if err != nil || in.ID() != id || in.Codec().MimeType != mime {
		t.Fatal(in, err)
	}
	go func() {
		for _, b := range sent[1:] {
			if _, err := out.Write(t.Context(), b); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	last := uint32(0)
	for i, b := range sent {
		f, err := in.Read(ctx)
		if err != nil {
			t.Fatal(i, err)
		}
		if !bytes.Equal(f.Data, b) || f.Lost || i > 0 && int32(f.Timestamp-last) <= 0 {
			t.Fatalf("frame %d: %d bytes of %d, lost %v, timestamp %d after %d", i, len(f.Data), len(b), f.Lost, f.Timestamp, last)
		}
		last = f.Timestamp
	}
	in.RequestRefresh()
	for range 2 { // again and again, until a frame comes
		select {
		case <-out.Refresh():
		case <-ctx.Done():
			t.Fatal("no refresh request")
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// What was said before leaving is heard, all of it, and then the end.
func TestLastWords(t *testing.T) {
	e := pair(t, rtc.Options{}, rtc.Options{}, nil)
	e.await(t)
	const words = 100
	for i := range words {
		if err := e.a.Send(bytes.Repeat([]byte{byte(i)}, 10000)); err != nil {
			t.Fatal(err)
		}
	}
	e.leave()
	ctx := context15(t)
	for i := range words {
		if m, err := e.b.Recv(ctx); err != nil || m.Data[0] != byte(i) {
			t.Fatal(i, err)
		}
	}
	if _, err := e.b.Recv(ctx); !errors.Is(err, rtc.ErrClosed) {
		t.Error("after the end:", err)
	}
}

func TestWrongFingerprint(t *testing.T) {
	e := pair(t, rtc.Options{}, rtc.Options{}, func(s wire.Signal) wire.Signal {
		if o, ok := s.(wire.Offer); ok {
			o.Fingerprint[0] ^= 1
			return o
		}
		return s
	})
	if err := <-e.errs; !errors.Is(err, rtc.ErrFingerprint) {
		t.Fatal(err)
	}
	select {
	case <-e.b.Connected():
		t.Fatal("connected")
	default:
	}
	if err := e.b.Send([]byte("x")); err == nil {
		t.Error("a message was sent")
	}
}

func TestMalformedSignals(t *testing.T) {
	for _, s := range []wire.Signal{wire.Offer{SDP: "nonsense"}, wire.Offer{}, wire.Candidate{Line: "{"}} {
		e := pair(t, rtc.Options{}, rtc.Options{}, nil)
		if err := e.la.Send(context15(t), s); err != nil {
			t.Fatal(err)
		}
		if err := <-e.errs; err == nil {
			t.Errorf("%#v was taken", s)
		}
		e.stop()
	}
}

func TestNothingIsLeft(t *testing.T) {
	run := func() {
		e := pair(t, rtc.Options{}, rtc.Options{}, nil)
		e.await(t)
		exchange(t, e.b, e.a, "x", rtc.MimeTypeTile)
		e.stop()
	}
	run()
	before := runtime.NumGoroutine()
	for range 3 {
		run()
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			b := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, b[:runtime.Stack(b, true)])
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, size := range []int{300, 30000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			e := pair(b, rtc.Options{}, rtc.Options{}, nil)
			e.await(b)
			ctx := context.Background()
			out, err := e.a.AddTrack(ctx, "x")
			if err != nil {
				b.Fatal(err)
			}
			if _, err := out.Codec(ctx); err != nil {
				b.Fatal(err)
			}
			frame := make([]byte, size)
			_, _ = out.Write(ctx, frame)
			in, err := e.b.AcceptTrack(ctx)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = in.Read(ctx)
			for b.Loop() {
				_, _ = out.Write(ctx, frame)
				if _, err := in.Read(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
