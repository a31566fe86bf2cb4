package session_test

import (
	"context"
	"fmt"
	"image"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// script reads what happens from the bytes of a fuzzer.
type script struct{ b []byte }

func (s *script) next() byte {
	if len(s.b) == 0 {
		return 0
	}
	v := s.b[0]
	s.b = s.b[1:]
	return v
}

func (s *script) flag() bool { return s.next()&1 == 1 }

func (s *script) rights() wire.Rights {
	r := wire.Rights(s.next()) & (wire.RightsQuiet | wire.RightControl | wire.RightPaste | wire.RightCopy)
	return max(r, wire.RightSee)
}

func (s *script) share() wire.ShareID { return wire.ShareID(s.next()%4 + 1) }

func (s *script) spot() wire.Spot {
	return wire.Spot{X: uint16(s.next()) << 8, Y: uint16(s.next()) << 8}
}

func (s *script) nonce() (n [32]byte) { n[0] = s.next(); return n }

func (s *script) clip() wire.Clip {
	text := []byte("clipboard")
	c := wire.Clip{Kind: wire.ClipText, Total: uint32(s.next()), Data: text[:s.next()%10]}
	c.Offset = min(uint32(s.next()), c.Total)
	c.Total = max(c.Total, c.Offset+uint32(len(c.Data)))
	return c
}

func (s *script) input() wire.Input {
	in := wire.Input{Share: s.share(), Gen: uint32(s.next() % 3), Seq: uint32(s.next())}
	in.X, in.Y = s.spot().X, s.spot().Y
	switch s.next() % 8 {
	case 0:
		in.Kind = wire.Move
	case 1:
		in.Kind, in.Button = wire.Press, wire.Left
	case 2:
		in.Kind, in.Button = wire.Release, wire.Left
	case 3:
		in.Kind, in.Key, in.Mods = wire.KeyDown, 0x19, wire.ModCtrl // paste
	case 4:
		in.Kind, in.Key, in.Mods = wire.KeyDown, 0x06, wire.ModCtrl // copy
	case 5:
		in.Kind, in.Key = wire.KeyUp, 0x06
	case 6:
		in.Kind = wire.ReleaseAll
	default:
		in.Kind, in.Key = wire.KeyDown, 4
	}
	return in
}

// say has one end send a message; one that is malformed would end the connection,
// as it should, and is another test's.
func (s *stageOf) say(from int, m wire.Message) {
	b, err := wire.AppendMessage(nil, m)
	if err != nil {
		s.w.t.Fatal(err)
	}
	if _, err := wire.ParseMessage(b); err == nil {
		s.w.net.tell(s.w.t, from, m)
	}
}

// message is any that a member may send at any time, whether it fits or not.
func (s *script) message() wire.Message {
	switch s.next() % 24 {
	case 0:
		return wire.Watch{Share: s.share(), On: s.flag()}
	case 1:
		return wire.Ask{Share: s.share(), Rights: s.rights()}
	case 2:
		return wire.GiveBack{Share: s.share(), Rights: s.rights()}
	case 3:
		return wire.Paste{Share: s.share(), Clip: s.clip()}
	case 4, 5:
		return s.input()
	case 6:
		return wire.Point{Share: s.share(), Gen: uint32(s.next() % 3), Seq: uint32(s.next()), At: s.spot(), On: s.flag()}
	case 7:
		return wire.Stroke{Share: s.share(), Gen: uint32(s.next() % 3), ID: uint32(s.next() % 4), Step: wire.Step(s.next()%3 + 1), Spots: []wire.Spot{s.spot()}}
	case 8:
		return wire.PhraseCommit{Commitment: s.nonce()}
	case 9:
		return wire.PhraseNonce{Nonce: s.nonce()}
	case 10:
		return wire.PhraseReveal{Nonce: s.nonce()}
	case 11:
		return wire.Check{Share: s.share()}
	case 12:
		return wire.Measure{Share: s.share()}
	case 13:
		return wire.Ack{Share: s.share(), Timestamp: uint32(s.next()), Held: uint32(s.next())}
	case 14:
		return wire.Copied{Share: s.share(), Clip: s.clip()}
	case 15:
		return wire.Granted{Share: s.share(), Rights: s.rights(), Answer: s.flag()}
	case 16:
		return wire.ShareOpened{Share: s.share(), Title: "x", W: 4, H: 3, Gen: 1, Track: fmt.Sprint("track ", s.next()%4)}
	case 17:
		return wire.ShareChanged{Share: s.share(), W: 4, H: 3, Gen: uint32(s.next()), Hidden: s.flag(), Main: wire.Rect{W: 4, H: 3}}
	case 18:
		return wire.ShareClosed{Share: s.share(), Reason: wire.CloseReason(s.next()%3 + 1)}
	case 19:
		parts := s.next()%3 + 1
		return wire.CursorShape{Share: s.share(), W: 1, H: 1, Part: s.next() % parts, Parts: parts, Data: []byte{s.next()}}
	case 20:
		return wire.CursorPosition{Share: s.share(), Seq: uint32(s.next()), At: s.spot(), On: s.flag()}
	case 21:
		return wire.GuestPoint{Share: s.share(), Guest: wire.Guest(s.next()), Seq: uint32(s.next()), At: s.spot(), On: s.flag()}
	case 22:
		return wire.Refused{Share: s.share(), Seq: uint32(s.next()), Reason: wire.NoRight}
	default:
		return wire.Hello{Version: wire.PeerVersion, Name: "another name"}
	}
}

// stageOf is Anna, who shares a window, Ben, who says anything at any time, and
// Cleo, who watches. The ends of the network stand in the order in which they
// were made.
type stageOf struct {
	w               *world
	anna, ben, cleo *session.Call
	id              wire.ShareID
	view            *session.View // Cleo's
	seen            byte          // the last picture that was painted
}

const benAtAnnas, annaAtBens = 1, 0 // who sends there

func newStageOf(w *world) *stageOf {
	anna, ben, id, _ := w.pair(wire.RightsQuiet)
	s := &stageOf{w: w, anna: anna, ben: ben, id: id, cleo: w.call("Cleo")}
	if err := s.cleo.Join(w.t.Context(), w.link(anna, 1)); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	for _, r := range s.cleo.State().Remote {
		v, err := s.cleo.View(r.Member, r.Share)
		if err != nil {
			w.t.Fatal(err)
		}
		s.view = v
	}
	synctest.Wait()
	return s
}

// act is one thing that Anna does.
func (s *stageOf) act(x *script) {
	ben := benOf(s.anna)
	switch x.next() % 9 {
	case 0:
		_ = s.anna.Allow(ben, s.id, x.rights())
	case 1:
		_ = s.anna.AllowFor(ben, s.id, x.rights(), wire.Once)
	case 2:
		_ = s.anna.AllowFor(ben, s.id, x.rights(), wire.Timed)
	case 3:
		s.anna.Refuse(ben, s.id)
	case 4:
		s.anna.TakeBack(ben, s.id)
	case 5:
		s.anna.Withdraw(ben, s.id, x.rights())
	case 6:
		s.anna.TakeBackAll()
	case 7:
		_ = s.anna.Compare(ben)
	default:
		s.w.win.states <- capture.State{W: 4, H: 3, Gen: 1, TooLarge: x.flag(), Hidden: x.flag(), Main: image.Rect(0, 0, 4, 3)}
		synctest.Wait()
		s.w.win.states <- capture.State{W: 4, H: 3, Gen: 1, Main: image.Rect(0, 0, 4, 3)}
	}
}

// check holds at any time, whatever was said.
func (s *stageOf) check(step int) {
	t := s.w.t
	st := s.anna.State()
	if len(st.Members) != 2 || len(st.Shares) != 1 || len(st.Shares[0].Viewers) != 2 {
		t.Fatalf("step %d: %d members, %d shares: somebody was thrown out", step, len(st.Members), len(st.Shares))
	}
	control := 0
	for _, v := range st.Shares[0].Viewers {
		if v.Rights&wire.RightControl != 0 {
			control++
		}
		if v.Rights&wire.RightControl != 0 && v.Rights&wire.RightSee == 0 || v.Rights&(wire.RightPaste|wire.RightCopy) != 0 && v.Rights&wire.RightControl == 0 {
			t.Fatalf("step %d: rights without those that they need: %s", step, v.Rights)
		}
		if v.Watching && v.Rights&wire.RightSee == 0 {
			t.Fatalf("step %d: sent to somebody who may not see", step)
		}
	}
	open := 0
	for _, g := range s.w.gates {
		g.mu.Lock()
		if !g.closed {
			open++
		}
		g.mu.Unlock()
	}
	if open != control {
		t.Fatalf("step %d: %d gates for %d in control", step, open, control)
	}
	for i, c := range s.w.clips {
		c.mu.Lock()
		held, reads := len(c.holds.Data), c.reads
		c.mu.Unlock()
		if held > 0 || reads > 0 { // nobody here makes a gesture
			t.Fatalf("step %d: the clipboard of %d was touched", step, i)
		}
	}
	if n := len(s.ben.State().Remote); n > 40 {
		t.Fatalf("step %d: %d shares", step, n)
	}
}

// unharmed shows that Cleo sees what changes.
func (s *stageOf) unharmed() {
	s.seen = s.seen%200 + 1
	s.w.win.paint(s.seen)
	for got := byte(0); got != s.seen; {
		ctx, cancel := context.WithTimeout(s.w.t.Context(), time.Minute)
		u, err := s.view.Next(ctx)
		cancel()
		if err != nil {
			s.w.t.Fatal("Cleo does not see what changes:", err)
		}
		s.view.Picture(func(f *video.Frame) { got = f.Pix[0] })
		s.view.Shown(u)
	}
}

// maxGoroutines is what a call of three may have at most, whatever one of them
// does: 10 tracks that the network here holds, and each a view of a share.
const maxGoroutines = 150

// Whatever one member says, in whatever order, while the sharer gives and takes:
// there is a gate exactly while there is control, nobody is thrown out, no
// clipboard is touched, and another member sees what changes.
func FuzzSequence(f *testing.F) {
	f.Add([]byte{0, 1, 0, 8, 2, 9, 1, 2, 0, 4, 0, 1, 3, 3, 0, 3, 0, 9, 9, 9})
	f.Add([]byte("watch on and off, ask and give back, again and again and again and again"))
	f.Add([]byte{3, 0, 0, 0xff, 0, 3, 1, 9, 5, 0, 0, 4, 0, 1, 1, 1, 1, 1, 1, 3, 3, 6, 3, 4, 0, 0, 2, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 600 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			s := newStageOf(w)
			x := &script{b}
			for step := 0; len(x.b) > 0; step++ {
				switch x.next() % 8 {
				case 0, 1, 2:
					s.say(benAtAnnas, x.message())
				case 3:
					s.act(x)
				case 4:
					s.say(annaAtBens, x.message())
				case 5: // many at once, without a pause between them
					for range x.next() % 32 {
						s.say(benAtAnnas, x.message())
					}
				case 6:
					time.Sleep(time.Duration(x.next()) * 100 * time.Millisecond)
				default: // the shared program copies something
					select {
					case w.clips[0].copies <- platform.Clip{Kind: platform.ClipText, Data: []byte("copied")}:
					default:
					}
				}
				synctest.Wait()
				s.check(step)
			}
			if n := runtime.NumGoroutine(); n > maxGoroutines {
				t.Fatalf("%d goroutines", n)
			}
			s.unharmed()
			s.anna.Leave()
			<-s.anna.Done()
			for _, g := range w.gates {
				if !g.closed {
					t.Fatal("a gate is open after the call")
				}
			}
		})
	})
}
