//go:build linux

package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// seeded is chance that can be had again: VIEWFLIP_SEED, else always the same.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("VIEWFLIP_SEED"), 10, 64)
	if err != nil {
		seed = 1
	}
	t.Log("VIEWFLIP_SEED =", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// world is what should be true of four people, by the rules of the manual.
type world struct {
	people                  []*person
	friends, asked, blocked [4][4]bool
	findable                [4]bool
	links                   []wire.InviteID
	of                      map[wire.InviteID]int
}

func (w *world) part(a, b int) { w.friends[a][b], w.friends[b][a] = false, false }

func (w *world) befriend(a, b int) {
	w.friends[a][b], w.friends[b][a] = true, true
	w.asked[a][b], w.asked[b][a] = false, false
	w.blocked[a][b] = false // who says yes lifts their own block
}

// sees reports whether b is shown that a asks.
func (w *world) sees(a, b int) bool {
	return w.asked[a][b] && w.findable[b] && !w.blocked[b][a] && !w.friends[a][b]
}

// Whatever four people do to each other in whatever order: both sides always
// agree on who is a contact of whom, and of who is blocked nothing comes through.
func TestContactWalk(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			s, ctx, r := openStore(t, newDatabase(t, engine)), t.Context(), seeded(t)
			w := &world{of: map[wire.InviteID]int{}}
			byName := map[account.Name]int{}
			for i, n := range []account.Name{"Ada", "Bob", "Eve", "Ida"} {
				w.people = append(w.people, signUp(t, s, account.Email(n)+"@example.org", n))
				byName[n] = i
			}
			handle := func(a, b int) (account.ID, bool) {
				all, err := s.Contacts(ctx, w.people[a].id)
				must(t, err)
				for _, c := range all {
					if byName[c.Name] == b {
						return c.Handle, true
					}
				}
				return account.ID{}, false
			}
			ask := func(a, b int) (account.ID, bool) { // what b sees of a
				all, err := s.Asks(ctx, w.people[b].id)
				must(t, err)
				for _, q := range all {
					if byName[q.Name] == a {
						return q.Handle, true
					}
				}
				return account.ID{}, false
			}
			answer := func(a, b int, ans account.Answer) bool {
				q, ok := ask(a, b)
				if !ok {
					return false
				}
				_, _, err := s.Answer(ctx, w.people[b].id, q, ans)
				// Who is blocked by the asker cannot become their contact.
				if ans == account.AnswerAccept && w.blocked[a][b] {
					want(t, err, store.ErrNotFound)
					return false
				}
				must(t, err)
				w.asked[a][b] = false
				return true
			}
			acts := []struct {
				name string
				do   func(a, b int)
			}{
				{"invites", func(a, _ int) {
					l := wire.InviteID(random[account.ID](t))
					err := s.CreateInvite(ctx, w.people[a].id, account.InviteHash(l))
					if !errors.Is(err, store.ErrLimit) {
						must(t, err)
						w.links, w.of[l] = append(w.links, l), a
					}
				}},
				{"takes a link", func(_, b int) {
					if len(w.links) == 0 {
						return
					}
					i := r.IntN(len(w.links))
					l := w.links[i]
					a := w.of[l]
					_, _, err := s.AcceptInvite(ctx, w.people[b].id, l, account.Hash{1})
					if a == b || w.blocked[a][b] {
						want(t, err, store.ErrNotFound)
						return
					}
					must(t, err)
					w.links = append(w.links[:i:i], w.links[i+1:]...)
					w.befriend(b, a)
				}},
				{"asks", func(a, b int) {
					must(t, s.CreateAsk(ctx, w.people[a].id, w.people[b].mail))
					w.asked[a][b] = true
				}},
				{"withdraws", func(a, b int) {
					must(t, s.WithdrawAsk(ctx, w.people[a].id, w.people[b].mail))
					w.asked[a][b] = false
				}},
				{"says yes", func(b, a int) {
					if answer(a, b, account.AnswerAccept) {
						w.befriend(b, a)
					}
				}},
				{"says no", func(b, a int) { answer(a, b, account.AnswerDecline) }},
				{"blocks who asks", func(b, a int) {
					if answer(a, b, account.AnswerBlock) {
						w.blocked[b][a] = true
					}
				}},
				{"blocks", func(a, b int) {
					h, ok := handle(a, b)
					if !ok {
						return
					}
					_, err := s.Block(ctx, w.people[a].id, h)
					must(t, err)
					w.part(a, b)
					w.blocked[a][b] = true
				}},
				{"removes, or lifts a block", func(a, b int) {
					h, ok := handle(a, b)
					if !ok {
						return
					}
					told, err := s.RemoveContact(ctx, w.people[a].id, h)
					must(t, err)
					if lifted := told == (store.AccountID{}); lifted != w.blocked[a][b] {
						t.Fatal("who was blocked is told, or who was not is not")
					}
					w.part(a, b)
					w.blocked[a][b] = false
				}},
				{"can be found, or not", func(a, _ int) {
					w.findable[a] = !w.findable[a]
					must(t, s.SetFindable(ctx, w.people[a].id, w.findable[a]))
				}},
			}
			check := func(after string) {
				t.Helper()
				for a := range w.people {
					peers, err := s.Peers(ctx, w.people[a].id)
					must(t, err)
					all, err := s.Contacts(ctx, w.people[a].id)
					must(t, err)
					var both, accepted, blocks [4]bool
					for _, p := range peers {
						for b := range w.people {
							both[b] = both[b] || w.people[b].id == p.Account
						}
					}
					for _, c := range all {
						accepted[byName[c.Name]] = c.State == store.StateAccepted
						blocks[byName[c.Name]] = c.State == store.StateBlocked
						if c.State == store.StateBlocked && len(c.Devices.Devices()) > 0 {
							t.Fatalf("%s: the devices of who is blocked are shown", after)
						}
					}
					if both != w.friends[a] || accepted != w.friends[a] || blocks != w.blocked[a] {
						t.Fatalf("%s: %d has %v, %v and blocks %v; should be %v and %v", after, a, both, accepted, blocks, w.friends[a], w.blocked[a])
					}
					for b := range w.people {
						if _, shown := ask(b, a); shown != w.sees(b, a) {
							t.Fatalf("%s: %d sees that %d asks: %v", after, a, b, shown)
						}
					}
				}
			}
			steps := 400
			if engine != "sqlite" {
				steps = 150
			}
			for i := range steps {
				a, b := r.IntN(4), r.IntN(3)
				if b >= a {
					b++
				}
				act := acts[r.IntN(len(acts))]
				act.do(a, b)
				check(fmt.Sprintf("step %d, %d %s (%d)", i, a, act.name, b))
			}
		})
	}
}

// One client and, from some moment on, a copy of it: as long as there is one,
// nothing that is lost or comes twice locks it out; once both have rotated, the
// session is over for both. With the real rows.
func TestRotationWalk(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			s, r := openStore(t, newDatabase(t, engine)), seeded(t)
			ada := signUp(t, s, "ada@example.org", "Ada")
			rounds := 40
			if engine != "sqlite" {
				rounds = 15
			}
			rotate := func(c *account.Session, lost bool) account.Rotation {
				p, rid, err := c.BeginRotation(nil)
				must(t, err)
				out, err := s.Rotate(context.Background(), p, rid)
				must(t, err)
				if !lost && (out.What == account.RotationMade || out.What == account.RotationRepeated) {
					c.Rotated(out.Nonce)
				}
				return out.What
			}
			good := func(w account.Rotation) bool { return w == account.RotationMade || w == account.RotationRepeated }
			for round := range rounds {
				c := ada.login()
				waits := false // for an answer that was lost
				for range r.IntN(8) {
					switch r.IntN(4) {
					case 0:
						now.move(t, time.Duration(r.IntN(15))*time.Minute)
					case 1:
						if w := rotate(c, true); !good(w) {
							t.Fatal(round, "a rotation:", w)
						}
						waits = true
					case 2:
						if w := rotate(c, false); !good(w) {
							t.Fatal(round, "a rotation:", w)
						}
						waits = false
					default:
						if waits {
							continue
						}
						got := code(t, s, c.Authorize(method, path, nil))
						if got == account.CodeRotate {
							if w := rotate(c, false); !good(w) {
								t.Fatal(round, "a rotation:", w)
							}
							got = code(t, s, c.Authorize(method, path, nil))
						}
						if got != "" {
							t.Fatal(round, "a request:", got)
						}
					}
				}
				copied := *c
				both := []*account.Session{c, &copied}
				first := r.IntN(2)
				// A copy that waits for the same answer is like the original until
				// both have it: then it is noticed at the next rotation.
				for range 1 + r.IntN(3) {
					if w := rotate(both[first], false); !good(w) {
						t.Fatal(round, "who comes first:", w)
					}
				}
				w := rotate(both[1-first], false)
				if waits && good(w) {
					w = rotate(both[1-first], false)
					if good(w) {
						w = rotate(both[first], false)
					}
				}
				if w != account.RotationCopied {
					t.Fatal(round, "who comes second:", w)
				}
				for _, c := range both {
					if got := code(t, s, c.Authorize(method, path, nil)); got != account.CodeRevoked {
						t.Fatal(round, "afterwards:", got)
					}
				}
			}
		})
	}
}

// Asking by address, and taking that back, is the same work whoever has it: no
// statement depends on that, so that no clock can tell.
func TestAskIsBlind(t *testing.T) {
	s, ctx := openStore(t, newDatabase(t, "sqlite")), t.Context()
	eve, shy, open, blocks := signUp(t, s, "eve@example.org", "Eve"), signUp(t, s, "shy@example.org", "Shy"), signUp(t, s, "open@example.org", "Open"), signUp(t, s, "blocks@example.org", "Blocks")
	for _, p := range []*person{open, blocks} {
		must(t, s.SetFindable(ctx, p.id, true))
	}
	must(t, s.CreateAsk(ctx, eve.id, blocks.mail))
	asks, err := s.Asks(ctx, blocks.id)
	must(t, err)
	_, _, err = s.Answer(ctx, blocks.id, asks[0].Handle, account.AnswerBlock)
	must(t, err)
	for what, act := range map[string]func(account.Email) error{
		"an ask":  func(e account.Email) error { return s.CreateAsk(ctx, eve.id, e) },
		"its end": func(e account.Email) error { return s.WithdrawAsk(ctx, eve.id, e) },
	} {
		var first []string
		for _, e := range []account.Email{"nobody@example.org", shy.mail, open.mail, blocks.mail} {
			got := s.Statements(t, func() { must(t, act(e)) })
			if len(got) == 0 {
				t.Fatal("nothing was traced")
			}
			if first == nil {
				first = got
			}
			if !slices.Equal(got, first) {
				t.Errorf("%s of %s: %q, else %q", what, e, got, first)
			}
		}
		t.Logf("%s: %q", what, first)
	}
}
