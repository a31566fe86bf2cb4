package session_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// giant is a codec whose frames say how many pixels they are of, and how many of
// earlier pictures are kept, and whose pictures have one.
type giant struct {
	decoders, decoded *atomic.Int64
	forgotten         *atomic.Int64 // times that a decoder forgot
	pic               *video.Frame
}

func (g *giant) Need(b []byte) int     { return int(binary.BigEndian.Uint32(b)) }
func (g *giant) Slots(b []byte) int    { return int(binary.BigEndian.Uint32(b[4:])) }
func (g *giant) Forget()               { g.forgotten.Add(1) }
func (g *giant) Picture() *video.Frame { return g.pic }
func (g *giant) Close()                { g.decoders.Add(-1) }
func (g *giant) Decode([]byte) ([]image.Rectangle, error) {
	g.decoded.Add(1)
	g.pic = video.NewFrame(1, 1)
	return []image.Rectangle{g.pic.Bounds()}, nil
}

// sharer is a member whose messages and pictures are the test's.
type sharer struct {
	w    *world
	id   session.MemberID
	peer *peer
	at   int // of the peer among the world's
}

// meet makes a call of Ben, and sharers who keep to no protocol.
func (w *world) meet(n int, change func(*session.Config)) (ben *session.Call, all []*sharer) {
	t := w.t
	t.Helper()
	ben = w.with(w.identity(), "Ben", change)
	for i := range n {
		id := w.identity()
		c := w.as(id, fmt.Sprint("Eve ", i))
		if err := c.Join(t.Context(), w.link(ben, 1)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.net.mu.Lock()
		s := &sharer{w: w, id: id.Public().Address()}
		for at, p := range w.net.ends { // Eve's end of the connection with Ben comes after his
			if p.offerer && p.other != nil && at >= len(w.net.ends)-2*(i+1) && s.peer == nil {
				s.peer, s.at = p, at
			}
		}
		w.net.mu.Unlock()
		all = append(all, s)
	}
	return ben, all
}

// offer tells of a share and begins its track.
func (s *sharer) offer(id wire.ShareID) *track {
	s.w.t.Helper()
	name := fmt.Sprint("track ", id)
	s.w.net.tell(s.w.t, s.at, wire.ShareOpened{Share: id, Title: "Eve's", W: 1, H: 1, Gen: 1, Track: name})
	synctest.Wait()
	out, err := s.peer.AddTrack(s.w.t.Context(), name)
	if err != nil {
		s.w.t.Fatal(err)
	}
	synctest.Wait()
	return out.(*track)
}

// picture sends one of so many pixels.
func (t *track) picture(w *world, pixels int) { t.slots(w, pixels, 0) }

// slots sends one after which so many pixels of earlier ones are kept.
func (t *track) slots(w *world, pixels, kept int) {
	w.t.Helper()
	b := binary.BigEndian.AppendUint32(nil, uint32(pixels))
	if _, err := t.Write(w.t.Context(), binary.BigEndian.AppendUint32(b, uint32(kept))); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

const uhd = 3840 * 2160

// giants makes a call in which pictures are giant.
func giants(w *world, n int) (ben *session.Call, all []*sharer, g *giant) {
	g = &giant{decoders: &atomic.Int64{}, decoded: &atomic.Int64{}, forgotten: &atomic.Int64{}}
	ben, all = w.meet(n, func(c *session.Config) {
		c.NewDecoder = func(string) (session.Decoder, error) {
			g.decoders.Add(1)
			return &giant{decoders: g.decoders, decoded: g.decoded, forgotten: g.forgotten}, nil
		}
	})
	return ben, all, g
}

func (s *sharer) view(c *session.Call, id wire.ShareID) *session.View {
	s.w.t.Helper()
	v, err := c.View(s.id, id)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return v
}

// What nobody watches is not decoded, however much of it is sent; what is not
// watched any more takes nothing, and is there again when it is.
func TestUnwatchedIsNotDecoded(t *testing.T) {
	inTime(t, func(w *world) {
		ben, all, g := giants(w, 1)
		eve := all[0]
		var tracks []*track
		for id := wire.ShareID(1); id <= 9; id++ {
			tracks = append(tracks, eve.offer(id))
			tracks[id-1].picture(w, uhd)
		}
		if n := g.decoders.Load() + g.decoded.Load(); n != 0 {
			w.t.Fatal("something was decoded that nobody watches")
		}
		v := eve.view(ben, 3)
		tracks[2].picture(w, uhd)
		if g.decoded.Load() != 1 || g.decoders.Load() != 1 {
			w.t.Fatal(g.decoded.Load(), g.decoders.Load())
		}
		v.Close()
		tracks[2].picture(w, uhd)
		if g.decoded.Load() != 1 || g.decoders.Load() != 0 {
			w.t.Fatal("a view that was closed keeps a decoder")
		}
		v.Picture(func(f *video.Frame) {
			if f != nil {
				w.t.Error("and a picture")
			}
		})
		eve.view(ben, 3)
		tracks[2].picture(w, uhd)
		if g.decoded.Load() != 2 {
			w.t.Fatal("watched again, and not decoded")
		}
	})
}

// The pictures of one member measure two screens of 4K, or are one; those of
// all, twice the largest. What is too much waits until there is room, and says so.
func TestPixelsAreBounded(t *testing.T) {
	inTime(t, func(w *world) {
		ben, all, g := giants(w, 3)
		eve, mallory, cleo := all[0], all[1], all[2]
		one, two, three := eve.offer(1), eve.offer(2), eve.offer(3)
		a, b, c := eve.view(ben, 1), eve.view(ben, 2), eve.view(ben, 3)
		one.picture(w, uhd)
		two.picture(w, uhd)
		three.picture(w, uhd)
		if g.decoded.Load() != 2 || a.Info().Crowded || b.Info().Crowded || !c.Info().Crowded {
			w.t.Fatal(g.decoded.Load(), a.Info().Crowded, b.Info().Crowded, c.Info().Crowded)
		}
		three.picture(w, 1000) // however small
		if !c.Info().Crowded {
			w.t.Fatal("there is room")
		}
		for len(three.refresh) > 0 {
			<-three.refresh
		}
		b.Close()
		synctest.Wait()
		if len(three.refresh) == 0 {
			w.t.Fatal("nobody asked for the picture for which there is room now")
		}
		three.picture(w, uhd)
		if c.Info().Crowded || g.decoded.Load() != 3 {
			w.t.Fatal("it does not come back")
		}
		// The largest picture, alone; but not larger ones.
		huge := mallory.offer(1)
		m := mallory.view(ben, 1)
		huge.picture(w, video.MaxPixels+1)
		if !m.Info().Crowded {
			w.t.Error("a picture larger than any was taken")
		}
		huge.picture(w, video.MaxPixels)
		if m.Info().Crowded {
			w.t.Error("the largest picture is not taken")
		}
		// All together: 8.3 + 8.3 + 35.4 of 70.8 million are in use.
		last := cleo.offer(1)
		d := cleo.view(ben, 1)
		last.picture(w, video.MaxPixels)
		if !d.Info().Crowded {
			w.t.Error("more than all may have")
		}
		last.picture(w, 2*uhd)
		if d.Info().Crowded {
			w.t.Error("there is room for two screens")
		}
		// The last picture of a share that is over makes way for another.
		eve.w.net.tell(w.t, mallory.at, wire.ShareClosed{Share: 1, Reason: wire.CloseStopped})
		synctest.Wait()
		last.picture(w, video.MaxPixels)
		if d.Info().Crowded {
			w.t.Error("a share that is over takes the room")
		}
	})
}

// What is kept of earlier pictures has a budget for a view, a member and a call. Who
// is beyond it forgets, and shows the picture all the same.
func TestSlotsHaveABudget(t *testing.T) {
	inTime(t, func(w *world) {
		ben, all, g := giants(w, 3)
		eve, mallory, cleo := all[0], all[1], all[2]
		const most = 12 << 20
		var frames int64
		send := func(what string, t *track, kept int, forgets bool) {
			w.t.Helper()
			before := g.forgotten.Load()
			t.slots(w, 1000, kept)
			if frames++; g.decoded.Load() != frames {
				w.t.Fatal(what, "the picture is not shown")
			}
			if (g.forgotten.Load() > before) != forgets {
				w.t.Errorf("%s: forgotten %v, %v wanted", what, !forgets, forgets)
			}
		}
		var tracks []*track
		var views []*session.View
		for _, s := range []*sharer{eve, mallory} {
			for id := wire.ShareID(1); id <= 3; id++ {
				tracks = append(tracks, s.offer(id))
				views = append(views, s.view(ben, id))
			}
		}
		last := cleo.offer(1)
		cleo.view(ben, 1)
		send("more than one view may keep", tracks[0], most+1, true)
		send("as much as one view may", tracks[0], most, false)
		send("as much again", tracks[0], most, false)
		send("as much as one member may", tracks[1], most, false)
		send("more than one member may", tracks[2], 1, true)
		send("of another member", tracks[3], most, false)
		send("as much as all may", tracks[4], most, false)
		send("more than all may", last, 1, true)
		views[0].Close()
		send("after a view was closed", last, most, false)
		send("of the member who kept too much", tracks[2], 1, true)
		send("without", tracks[3], 0, false)
		send("of the member, after a refresh of another", tracks[2], most, false)
		// A share that is over makes way.
		eve.w.net.tell(w.t, mallory.at, wire.ShareClosed{Share: 2, Reason: wire.CloseStopped})
		synctest.Wait()
		send("after a share is over", tracks[5], most, false)
	})
}

// Who begins and ends to watch without pause has it done twice a second, and
// the last that they said counts.
func TestWatchIsLimited(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna, _, id, _ := w.pair(wire.RightsQuiet)
		synctest.Wait()
		events := anna.Events(t.Context())
		ben := w.net.ends[0]
		if !ben.offerer {
			ben = w.net.ends[1]
		}
		say := func(on bool) {
			b, err := wire.AppendMessage(nil, wire.Watch{Share: id, On: on})
			if err == nil {
				err = ben.Send(b)
			}
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		for range 200 {
			say(false)
			say(true)
		}
		say(false)
		if n := len(events); n > 4 {
			t.Errorf("%d changes at once", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(events); n > 6 {
			t.Errorf("%d changes after all", n)
		}
		if anna.State().Shares[0].Viewers[0].Watching {
			t.Error("the last word was to end")
		}
		for range 20 {
			say(true)
			say(false)
			say(true)
			time.Sleep(time.Second)
		}
		if !anna.State().Shares[0].Viewers[0].Watching {
			t.Error("the last word was to begin")
		}
	})
}

// Of all for whom much waits, the one for whom most does goes, with a reason,
// and the others stay.
func TestWaitingOfAll(t *testing.T) {
	inTime(t, func(w *world) {
		ben, all := w.meet(3, func(*session.Config) {})
		events := ben.Events(w.t.Context())
		for i, s := range all {
			s.peer.other.waiting.Store(int64(15+10*i) << 20) // 75 MiB
		}
		w.win.states <- capture.State{W: 4, H: 3, Gen: 1, Title: "News"}
		if _, err := ben.Share(w.t.Context(), platform.Window{ID: platform.NewWindowID(7), Title: "x"}, wire.RightSee); err != nil {
			w.t.Fatal(err)
		}
		synctest.Wait()
		if n := connected(ben); n != 2 {
			w.t.Errorf("%d are connected", n)
		}
		for len(events) > 0 {
			if e := <-events; e.Kind == session.EventLeft && (e.Name != "Eve 2" || e.Reason == "") {
				w.t.Errorf("%+v", e)
			}
		}
	})
}

// A window that grows beyond what can be sent pauses the share, and both are
// told; input is refused meanwhile, and it goes on when the window is smaller.
func TestTooLargePauses(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna, _, _, v := w.pair(control)
		synctest.Wait()
		events := anna.Events(t.Context())
		press(v)
		synctest.Wait()
		if w.lastGate().seen() != 1 {
			t.Fatal("no control")
		}
		w.win.states <- capture.State{W: 9000, H: 5000, Gen: 2, TooLarge: true, Main: image.Rect(0, 0, 9000, 5000)}
		synctest.Wait()
		if i := v.Info(); !i.TooLarge || i.W != 9000 || i.H != 5000 || i.Ended != 0 {
			t.Fatalf("%+v", i)
		}
		if s := anna.State().Shares; len(s) != 1 || !s[0].TooLarge {
			t.Fatalf("%+v", s)
		}
		if e := <-events; e.Kind != session.EventPaused || !strings.Contains(e.Reason, "9000 × 5000") {
			t.Errorf("%+v", e)
		}
		if w.lastGate().released == 0 {
			t.Error("what was held is held")
		}
		press(v)
		synctest.Wait()
		if r, _ := v.LastRefusal(); r != wire.Stale || w.lastGate().seen() != 1 {
			t.Error("a key goes to a window that nobody sees", r)
		}
		w.win.states <- capture.State{W: 4, H: 3, Gen: 3, Main: image.Rect(0, 0, 4, 3)}
		synctest.Wait()
		if i := v.Info(); i.TooLarge || i.W != 4 {
			t.Fatalf("%+v", i)
		}
		if e := <-events; e.Kind != session.EventResumed {
			t.Errorf("%+v", e)
		}
		press(v)
		w.win.paint(7)
		synctest.Wait()
		if _, err := v.Next(t.Context()); err != nil || w.lastGate().seen() != 2 {
			t.Error("it does not go on", err)
		}
	})
}

// bulky codes pictures of one value into more than a frame may be.
type bulky struct {
	plain
	coded *atomic.Int64
}

const tooMuch = 251

func (b *bulky) Encode(dst []byte, f *video.Frame, damage []image.Rectangle, refresh bool) ([]byte, bool, error) {
	b.coded.Add(1)
	dst, ok, err := b.plain.Encode(dst, f, damage, refresh)
	if f.Pix[0] == tooMuch {
		dst = append(dst, make([]byte, wire.MaxCoded)...)
	}
	return dst, ok, err
}

// A picture with so much in it that no coded frame holds it is not sent, again
// and again, in vain: the viewer is told, and sees the next one that fits.
func TestTooMuchForAFrame(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		var coded atomic.Int64
		w.codecs = func(c *session.Config) {
			c.NewEncoder = func(string) (session.Encoder, error) { return &bulky{coded: &coded}, nil }
		}
		_, _, _, v := w.pair(wire.RightSee)
		next := func(want byte) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			u, err := v.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			v.Picture(func(f *video.Frame) {
				if f.Pix[0] != want {
					t.Errorf("picture %d instead of %d", f.Pix[0], want)
				}
			})
			v.Shown(u)
		}
		w.win.paint(1)
		next(1)
		before := coded.Load()
		w.win.paint(tooMuch)
		synctest.Wait()
		if !v.Info().TooLarge {
			t.Fatal("nobody is told")
		}
		for range 60 {
			w.net.refresh()
			time.Sleep(time.Second)
		}
		if n := coded.Load() - before; n > 15 {
			t.Errorf("%d attempts in a minute", n)
		}
		w.win.paint(2)
		next(2)
		synctest.Wait()
		if v.Info().TooLarge {
			t.Error("it fits")
		}
	})
}
